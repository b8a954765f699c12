// What happens to users of a chat app, played against the stand-in server. Each step says which codes it must yield;
// the run stops if the SDK gives others. A step yields the SDK's error objects as it handed them over, untouched.
import { at, clock, realTimeout } from './still.mjs'
import { KICK } from './server.mjs'
import { patience } from './browser.mjs'
import { codesOf } from './sdklog.mjs'

export const USERS = ['wangxiaomei', 'li.si_88', '王小明', 'u_1008612', 'guest-7f3a21', 'maria.souza', 'zhangwei0571', 'agent_kefu03', 'lucas@corp', 'nguyen.thi']

const rest = (status, error_description, more = {}) => ({ status, body: { error: more.exception ? 'service_resource_not_found' : 'forbidden_op', exception: 'com.easemob.group.exceptions.ForbiddenOpException', timestamp: 1795395604218, duration: 0, error_description, ...more } })
const group = { groupId: '264850399723521' }
// name, call, answer, code
const REST = [
  ['group is full', (c) => c.joinGroup({ ...group, message: '' }), rest(403, 'group member list is full!'), 606],
  ['room is full', (c) => c.addUsersToChatRoom({ chatRoomId: '223', users: ['a'] }), rest(403, 'group member list is full!'), 704],
  ['already a member', (c) => c.inviteUsersToGroup({ ...group, users: ['li.si_88'] }), rest(403, 'invite users to join group failed: users [li.si_88] already in group!'), 601],
  ['not a member', (c) => c.muteGroupMember({ ...group, username: 'li.si_88', muteDuration: 1000 }), rest(400, 'users [li.si_88] are not members of this group!'), 602],
  ['member limit of the plan', (c) => c.createGroup({ data: { groupname: 'x', desc: '', members: [], public: true, approval: false, allowinvites: true, inviteNeedConfirm: false, maxusers: 9999 } }), rest(403, 'members size is greater than max user size !'), 607],
  ['disabled group', (c) => c.getGroupInfo(group), rest(403, 'can not operate this group, reason: group is disabled'), 608],
  ['no right in the group', (c) => c.destroyGroup(group), rest(403, 'user: li.si_88 doesn\'t have the right'), 603],
  ['no such group', (c) => c.getGroupInfo({ groupId: '1' }), rest(404, 'do not find this group:1', { error: 'resource_not_found' }), 605],
  ['no such room', (c) => c.getChatRoomDetails({ chatRoomId: '1' }), rest(404, 'grpID 1 does not exist!'), 705],
  ['member attribute refused', (c) => c.setGroupMemberAttributes({ ...group, userId: 'li.si_88', memberAttributes: { nick: 'x' } }), rest(400, 'set metadata failed', { error_code: 60005 }), 609],
  ['room attribute limit', (c) => c.setChatRoomAttributes({ chatRoomId: '223', attributes: { k: 'v' } }), rest(400, 'exceeds chatroom metadata count limit', { error_code: 60006 }), 50],
  ['not in room', (c) => c.setChatRoomAttributes({ chatRoomId: '223', attributes: { k: 'v' } }), rest(400, '', { error_code: 60011, desc: 'user is not in chatroom' }), 702],
  ['reaction twice', (c) => c.addReaction({ messageId: '1389', reaction: '👍' }), rest(400, 'the user is already operation this message'), 1101],
  ['reaction being made', (c) => c.addReaction({ messageId: '1389', reaction: 'ok' }), rest(400, 'this message is creating reaction, please try again.'), 1102],
  ['reaction of another', (c) => c.deleteReaction({ messageId: '1389', reaction: 'ok' }), rest(400, 'the user operation is illegal!'), 1103],
  ['reactions used up', (c) => c.addReaction({ messageId: '1389', reaction: 'ok' }), rest(400, 'The quantity has exceeded the limit!'), 50],
  ['reactions not bought', (c) => c.addReaction({ messageId: '1389', reaction: 'ok' }), rest(400, 'this appKey is not open reaction service!'), 505],
  ['text too long to translate', (c) => c.translateMessage({ text: '你好'.repeat(40), languages: ['en'] }), rest(400, 'The input text is too long.'), 1201],
  ['no such language', (c) => c.translateMessage({ text: 'hi', languages: ['xx'] }), rest(400, 'The target language is not valid.'), 1200],
  ['translation failed', (c) => c.translateMessage({ text: 'hi', languages: ['en'] }), rest(500, 'translte failed!'), 1204],
  ['presence too long', (c) => c.publishPresence({ description: 'x' }), rest(400, 'ext is too big '), 1100],
  ['presence not bought', (c) => c.publishPresence({ description: 'x' }), { status: 400, body: { result: 'the app not open presence' } }, 505],
  ['message to report is gone', (c) => c.reportMessage({ reportType: 'ad', reportReason: '广告', messageId: '1389' }), rest(400, 'report failed, get message by id failed'), 51],
  ['thread exists', (c) => c.createChatThread({ name: 't', messageId: '1389', parentId: group.groupId }), rest(400, 'the message has been created thread', { error_code: 40002 }), 1301],
  ['no such thread', (c) => c.joinChatThread({ chatThreadId: '99' }), rest(404, 'thread not exist', { error_code: 40011 }), 1300],
  ['thread, no right', (c) => c.destroyChatThread({ chatThreadId: '99' }), rest(401, 'have no permission', { error_code: 40001 }), 52],
  ['thread, unsupported', (c) => c.changeChatThreadName({ chatThreadId: '99', name: 'n' }), rest(400, 'operation is unsupported', { error_code: 40009 }), 53],
  ['thread, server', (c) => c.leaveChatThread({ chatThreadId: '99' }), rest(500, 'thread service error', { error_code: 40006 }), 503],
  ['remark of a stranger', (c) => c.setContactRemark({ userId: 'li.si_88', remark: 'x' }), rest(400, 'updateRemark | they are not friends, please add as a friend first.'), 221],
  ['no such user', (c) => c.fetchUserInfoById('nobody_7'), rest(404, 'user not found'), 204],
  ['token refused', (c) => c.getJoinedGroups({ pageNum: 0, pageSize: 20 }), rest(401, 'Unable to authenticate (OAuth)', { error: 'unauthorized' }), 52],
  ['token expired', (c) => c.getJoinedGroups({ pageNum: 0, pageSize: 20 }), rest(401, 'Unable to authenticate due to expired access token', { error: 'auth_bad_access_token', exception: 'EasemobSecurityException' }), 17],
  ['too many requests', (c) => c.getJoinedGroups({ pageNum: 0, pageSize: 20 }), rest(429, 'This request has reached api limit', { error: 'reach_limit' }), 500],
  ['service unavailable', (c) => c.getServerConversations({ pageSize: 20, cursor: '' }), rest(503, 'service is busy', { error: 'busy' }), 500],
  ['maximum reached', (c) => c.getServerConversations({ pageSize: 20, cursor: '' }), rest(429, 'The request has reached the maximum limit'), 50],
  ['internal server error', (c) => c.getContacts(), rest(500, '', { error: 'internal_server_error', exception: 'java.lang.IllegalStateException' }), 17],
  ['gateway error', (c) => c.getContacts(), { status: 502, body: { error: 'bad gateway' } }, 17],
  ['bad mark', (c) => c.addConversationMark({ conversations: [{ conversationId: 'li', conversationType: 'singleChat' }], mark: 19 }), rest(400, 'param mark illegal, please check it!'), -3],
  ['conversation gone', (c) => c.addConversationMark({ conversations: [{ conversationId: 'li', conversationType: 'singleChat' }], mark: 1 }), rest(404, 'conversation not exist', { error_code: 91001 }), 1400],
  ['no answer', (c) => c.getContacts(), { hang: true }, -1],
  ['connection reset', (c) => c.getContacts(), { reset: true }, -2],
  ['history not bought', (c) => c.getHistoryMessages({ targetId: 'li', chatType: 'singleChat', pageSize: 20 }), rest(400, 'this appKey not open message roaming'), 505],
  ['pinned message gone', (c) => c.unpinMessage({ conversationType: 'groupChat', conversationId: group.groupId, messageId: '1' }), rest(404, 'user session pin message not exist'), 51],
]

const txt = (SDK, to = 'li.si_88', chatType = 'singleChat') => SDK.message.create({ type: 'txt', chatType, to, msg: '在吗？' })
// name, Status of the server, code
const SENDS = [
  ['muted', { errorCode: 15 }, 507],
  ['blocked', { errorCode: 1, reason: 'blocked' }, 603],
  ['no such group', { errorCode: 1, reason: 'group not found' }, 605],
  ['not in group', { errorCode: 1, reason: 'not in group or chatroom' }, 602],
  ['all muted', { errorCode: 1, reason: 'not in group or chatroom white list' }, 506],
  ['stranger', { errorCode: 1, reason: 'nonroster' }, 221],
  ['group disabled', { errorCode: 1, reason: 'group is disabled' }, 608],
  ['recall too late', { errorCode: 1, reason: 'exceed recall time limit' }, 504],
  ['recall not bought', { errorCode: 1, reason: 'message recall disabled' }, 505],
  ['directed users', { errorCode: 1, reason: 'limit directed users' }, 50],
  ['edit limit', { errorCode: 1, reason: 'Sorry, edit limit reached' }, 50],
  ['edit of a lost message', { errorCode: 1, reason: 'Sorry, message does not exist' }, 1302],
  ['edit failed', { errorCode: 1, reason: 'Sorry, edit fail' }, 1304],
  ['edit format', { errorCode: 1, reason: 'Sorry, format is incorrect' }, 1303],
  ['moderation', { errorCode: 1, reason: 'moderation: reject' }, 508],
  ['unknown refusal', { errorCode: 1, reason: 'internal error 7' }, 503],
  ['sensitive words', { errorCode: 7, reason: 'sensitive words' }, 501],
  ['antispam', { errorCode: 7, reason: 'blocked by mod_antispam' }, 501],
  ['muted by admin', { errorCode: 7, reason: 'user is mute' }, 219],
  ['traffic limit', { errorCode: 7, reason: 'traffic limit' }, 509],
  ['too large', { errorCode: 7, reason: 'Sorry, data is too large' }, 511],
  ['blocked by callback', { errorCode: 19, reason: 'custom logic: 含违禁词' }, 502],
  ['blocked by callback, silent', { errorCode: 19, reason: '' }, 502],
  ['strange status', { errorCode: 9, reason: 'unknown command' }, 604],
]
// name, Status, code of the rejection
const LOGINS = [
  ['expired token', { errorCode: 1, reason: 'Sorry, token expired' }, 56],
  ['token of another', { errorCode: 1, reason: 'Sorry, token or password does not match login info' }, 28],
  ['unknown user', { errorCode: 1, reason: 'Sorry, user not found' }, 204],
  ['registrations used up', { errorCode: 1, reason: 'Sorry, user register limit' }, 50],
  ['registering too fast', { errorCode: 1, reason: 'Sorry, user register rate limit' }, 50],
  ['refused', { errorCode: 1, reason: 'whatever' }, 2],
  ['unauthorized', { errorCode: 2 }, 2],
  ['wrong parameter', { errorCode: 4 }, -3],
  ['monthly users', { errorCode: 7, reason: 'Sorry, the app month live count limit' }, 50],
  ['daily users', { errorCode: 7, reason: 'Sorry, the app day live count limit' }, 50],
  ['online users', { errorCode: 7, reason: 'Sorry, the app online count limit' }, 50],
  ['serving disabled', { errorCode: 12 }, 57],
  ['too many devices', { errorCode: 13 }, 214],
]
const KICKS = [['elsewhere', KICK.elsewhere, 206, 'iPhone 17'], ['elsewhere, no word', KICK.elsewhere, 206, ''], ['removed', KICK.removed, 207], ['password', KICK.password, 216], ['device', KICK.device, 217]]

const sleep = (ms) => new Promise((r) => realTimeout(r, ms))
const until = async (f, what) => { for (let i = 0; !f(); i++) { if (i > 2000) throw new Error(`waited in vain for ${what}`); await sleep(5) } }

// play runs every step with one build of the SDK and returns {seen, sdkLogs, saved, good, messages}.
// seen: {code, error, via, user, step, want, time, id}.
// differs: step → code, where this build gives another one than easemob-websdk in a browser; null: none at all.
export async function play(SDK, srv, name, { files = true, cache = false, differs = {} } = {}) {
  const seen = [], sdkLogs = [], saved = []
  let turn = 0, step = '', want = null, user = '', begun = clock(), steps = 0
  // next sets the clock to the next step, so that what the sockets did meanwhile leaves no trace in times.
  const next = () => at((begun += 1300 + 17 * (steps++ % 40)))
  let count = 0
  const see = (via) => (error) => { if (error) seen.push({ code: error.type, error, via, user, step, want, time: begun + 11 * ++count, sdk: name }) }
  SDK.logger.onLog = (l) => sdkLogs.push({ json: JSON.stringify(l), codes: codesOf(l.logs) })
  const cached = Object.getPrototypeOf(SDK.logger)._cacheLog
  SDK.logger._cacheLog = function (...args) {
    const logs = this.getLogs(), n = logs.length, codes = codesOf(args)
    cached.apply(this, args)
    if (logs.length > n) saved.push({ text: logs.at(-1), codes })
  }
  SDK.logger.setConfig({ useCache: cache, maxCache: 3145728 })
  SDK.logger.enableAll()
  SDK.logger.setConsoleLogVisibility(false)

  const connect = (more = {}) => {
    user = USERS[turn++ % USERS.length]
    next()
    const c = new SDK.connection({ appKey: 'easemob-demo#chatdemoui', isHttpDNS: false, https: false, url: `ws://127.0.0.1:${srv.port}/ws`, apiUrl: `http://127.0.0.1:${srv.port}`, autoReconnectNumMax: 2, ...more })
    srv.root = c.root
    const mine = turn, on = (via) => { const f = see(via); return (e) => { if (mine === turn) f(e) } } // not what an earlier connection still has to say
    c.listen({ onError: on('listen.onError'), onOpened() {}, onClosed() {} })
    c.addEventHandler('app', { onError: on('eventHandler.onError'), onDisconnected: on('onDisconnected') })
    return c
  }
  const open = async (c, how = { accessToken: 'YWMtc0a1' }) => { await c.open({ user, ...how }); await sleep(5) }
  // expect runs f, records its rejection and checks that code came through at least one channel.
  const expect = async (what, code, f) => {
    if (what in differs) code = differs[what]
    step = what
    want = code
    next()
    count = 0
    const from = seen.length
    try {
      await Promise.race([f(), sleep(8000).then(() => { throw new Error(`${name}: ${what}: no answer`) })])
    } catch (e) {
      if (e instanceof Error) throw e
      see('reject')(e)
    }
    if (code !== null && !seen.slice(from).some((s) => s.code === code)) throw new Error(`${name}: ${what}: want ${code}, got ${JSON.stringify(seen.slice(from))}`)
  }

  const close = async (c) => { c.close(); await until(() => !srv.sockets.size, 'the socket to close after ' + step + ' in ' + name) }
  const heard = (code, via) => { const from = seen.length; return () => until(() => seen.slice(from).some((s) => s.code === code && (!via || s.via === via)), `${code} ${via ?? ''} in ${step}`) }
  // 1 REST
  let c = connect()
  await open(c)
  for (const [i, [what, call, answer, code]] of REST.entries()) {
    if (i % 6 === 5) { await close(c); c = connect(); await open(c) }
    srv.answers = [answer]
    patience.ms = answer.hang ? 300 : 20000
    await expect(what, code, () => call(c))
  }
  const good = []
  for (const [call, body] of [[(c) => c.getContacts(), { data: ['li.si_88'] }], [(c) => c.fetchUserInfoById('li.si_88'), { data: { 'li.si_88': { nickname: '李四' } } }], [(c) => c.addReaction({ messageId: '1', reaction: 'ok' }), { requestStatusCode: 'ok', data: {} }]]) {
    srv.answers = [{ status: 200, body }]
    good.push(await call(c))
  }
  good.push(await c.joinChatRoom({ roomId: '223' }), await c.send(txt(SDK)))
  const messages = ['txt', 'custom', 'cmd', 'loc'].map((type) => SDK.message.create({ type, chatType: 'singleChat', to: 'li.si_88', msg: 'error type 206', action: 'typing', customEvent: 'gift', customExts: { type: '217' }, addr: '北京', lat: 39.9, lng: 116.4 })).concat(SDK.message.create({ type: 'txt', chatType: 'groupChat', to: group.groupId, msg: '{"error":{"type":206,"message":"the user is already logged on another device"}}' })).map((m) => ({ ...m, from: user, time: clock() }))
  // 2 sending
  for (const [i, [what, status, code]] of SENDS.entries()) {
    if (i % 6 === 5) { await close(c); c = connect(); await open(c) }
    srv.sends = [status]
    await expect('send: ' + what, code, () => c.send(txt(SDK)))
  }
  for (const [what, status, code] of SENDS.filter((s) => [507, 603, 501, 219, 509, 502, 604].includes(s[2]))) {
    srv.sends = [status]
    await expect('old send: ' + what, code, () => new Promise((done) => {
      const m = txt(SDK)
      m.fail = (e) => { see('fail')(e); done() }
      m.success = () => done()
      c.send(m).catch(() => {})
    }))
  }
  await expect('no receiver', 205, () => c.send({ ...txt(SDK), to: '' }))
  srv.sends = [{ errorCode: 1, reason: 'group member list is full!' }]
  await expect('join full room', 704, () => c.joinChatRoom({ roomId: '223' }))
  srv.sends = [{ errorCode: 1, reason: 'grpID 223 does not exist!' }]
  await expect('join lost room', 705, () => c.joinChatRoom({ roomId: '223' }))
  await expect('success callback throws', 31, async () => { const m = txt(SDK); m.success = () => { throw new TypeError("Cannot read properties of undefined (reading 'mid')") }; const h = heard(31, 'eventHandler.onError'); c.send(m).catch(() => {}); await h() })
  await expect('answer to no message', 31, async () => { const h = heard(31, 'eventHandler.onError'); srv.answerUnknown(); await h() })
  srv.sends = ['silence']
  await expect('send timeout', 512, () => c.send(txt(SDK)))
  await until(() => c.isOpened() && !c.reconnecting, 'the reconnection after a timeout, which close() would not stop')
  await close(c)
  await expect('send after close', 39, () => c.send(txt(SDK)))
  if (files) {
    // 3 files
    c = connect(); await open(c)
    const file = (status, body) => () => new Promise((done) => { srv.answers = [{ status, body }]; SDK.utils.download.call(c, { url: `http://127.0.0.1:${srv.port}/easemob-demo/chatdemoui/chatfiles/7d0c`, id: '1389', secret: 's', onFileDownloadComplete: done, onFileDownloadError: (e) => { see('download')(e); done() } }) })
    await expect('download: server', 503, file(500, {}))
    await expect('download: other', 200, file(418, {}))
    await expect('download: no right', 222, file(403, { error_description: 'chatfile no permission' }))
    await expect('download: expired', 223, file(404, { error: 'file_expired' }))
    await expect('download: refused', 603, file(403, { error_description: 'x' }))
    const upload = (accessToken, size, ans) => () => new Promise((done) => { if (ans) srv.answers = [ans]; SDK.utils.uploadFile.call(c, { accessToken, appKey: c.appKey, apiUrl: c.apiUrl, file: { data: new File([new Uint8Array(size)], '合同.pdf') }, to: 'li.si_88', chatType: 'singleChat', onFileUploadComplete: done, onFileUploadError: (e) => { see('upload')(e); done() } }) })
    await expect('upload: no token', 102, upload('', 4))
    await expect('upload: empty', 101, upload('t', 0))
    await expect('upload: refused', 101, upload('t', 9, rest(400, 'file type is not allowed')))
    await expect('upload: proxy', 101, upload('t', 9, { status: 413, type: 'text/html', body: '<html><head><title>413 Request Entity Too Large</title></head></html>' }))
    await expect('upload: reset', 101, upload('t', 9, { reset: true }))
    await close(c)
  }
  // 4 kicks
  for (const [what, op, code, word] of KICKS) {
    c = connect(); await open(c)
    await expect('kick: ' + what, code, async () => { const e = heard(code, 'eventHandler.onError'), d = heard(code, 'onDisconnected'); srv.kick(op, word); await e(); srv.drop(); await d() })
    await expect('send after kick', 39, () => c.send(txt(SDK)))
  }
  // 5 logins
  for (const [what, status, code] of LOGINS) {
    c = connect(); srv.login = status
    await expect('login: ' + what, code, () => open(c))
    await close(c)
  }
  srv.login = { errorCode: 0 }
  c = connect()
  await expect('login: no user', 0, () => c.open({ accessToken: 't' }))
  await expect('login: bad token', 1, () => c.open({ user, accessToken: '' }))
  await expect('login: no password', 1, () => c.open({ user }))
  for (const [what, a] of [
    ['invalid password', rest(400, 'invalid password', { error: 'invalid_grant' })],
    ['user not found', rest(404, 'user not found', { error: 'invalid_grant' })],
    ['rate limited', rest(429, 'This request has reached api limit')],
    ['refused app', rest(401, 'Unable to authenticate (OAuth)')],
    ['no network', { reset: true }],
  ]) {
    c = connect(); srv.answers = [a]
    await expect('password login: ' + what, 1, () => c.open({ user, pwd: '123456' }))
  }
  c = connect(); srv.login = 'silence'
  await expect('login: no answer', -1, () => open(c))
  await close(c); srv.login = { errorCode: 0 }
  // 6 lost connections
  c = connect(); await open(c)
  await expect('twice', 208, () => c.open({ user, accessToken: 't' }))
  await expect('lost', 16, async () => { const h = heard(16); srv.drop(); await h() })
  await until(() => c.isOpened() && !c.reconnecting, 'the reconnection after a lost socket')
  await close(c)
  c = connect(); await open(c)
  await expect('reconnect in vain', 16, async () => { const h = heard(16, 'onDisconnected'); srv.login = 'close'; srv.drop(); await h() })
  srv.login = { errorCode: 0 }
  await close(c)
  // 7 nobody logged in
  c = connect({ isHttpDNS: false })
  await expect('api before login', 700, () => c.getJoinedGroups({ pageNum: 0, pageSize: 20 }))
  await expect('send before login', 39, () => c.send(txt(SDK)))
  // How often a reconnection fails, and how many sends it takes along, is a matter of timing, and
  // whether a socket is lost in passing: keep one of each kind, and 16 only where it was called for.
  const kinds = new Map()
  for (const o of seen) { o.id = [name, o.step, o.via, o.code].join('|'); if (!kinds.has(o.id) && (o.code !== 16 || o.want === 16)) kinds.set(o.id, o) }
  return { seen: [...kinds.values()], sdkLogs, saved, good, messages }
}
