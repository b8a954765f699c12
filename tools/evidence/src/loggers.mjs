// Real loggers, used as their manuals and common code show, writing the SDK's objects. Each function returns Files.
import { createRequire } from 'node:module'
import util from 'node:util'
import { Writable } from 'node:stream'
import { execFileSync } from 'node:child_process'
import http from 'node:http'
import pino from 'pino'
import pinoPretty from 'pino-pretty'
import winston from 'winston'
import bunyan from 'bunyan'
import { ecsFormat as ecsPino } from '@elastic/ecs-pino-format'
import ecsWinstonPkg from '@elastic/ecs-winston-format'
import log4js from 'log4js'
import loglevel from 'loglevel'
import { createConsola } from 'consola'
import { Logger as TsLog } from 'tslog'
import debug from 'debug'
import logfmt from 'logfmt'
import gelf from 'gelf-pro'
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import * as Sentry from '@sentry/node'
import { File, Sink, caught, pick, clockAt } from './file.mjs'
import { tick, hex } from './still.mjs'

const require = createRequire(import.meta.url)
export const version = (p) => { for (const d of require.resolve.paths(p)) try { return JSON.parse(require('node:fs').readFileSync(`${d}/${p}/package.json`, 'utf8')).version } catch {} }
const ecsWinston = ecsWinstonPkg.ecsFormat ?? ecsWinstonPkg

export const APP = { web: { service: 'im-web', appVersion: '5.3.0', platform: 'web' }, mini: { service: 'im-mini', appVersion: '5.2.4', platform: 'wechat' }, desk: { service: 'im-desktop', appVersion: '5.3.1-beta.2', platform: 'electron' } }
const app = (o) => (o.sdk === 'miniprogram' ? APP.mini : o.sdk === 'agora-chat' ? APP.desk : APP.web)
const DEVICES = ['webim_web_1795390011', 'webim_web_1795390412', 'miniProgram_wx_77c1', 'e0b7-22', 'd-9f81']
const device = (o) => DEVICES[o.user.length % DEVICES.length]
const TALK = ['in socket opened', 'message sent', 'joined room 223', 'history page 2 loaded', '消息已送达', 'token renewed']
const talk = () => TALK[Math.floor(Math.random() * TALK.length)]

// each runs styles in turn over obs; a style returns nothing and writes to sink.
function each(file, obs, sink, styles, quiet) {
  obs.forEach((o, i) => {
    if (file.full()) return
    clockAt(o)
    if (quiet && i % 4 === 1) { quiet(talk(), o); file.add(sink.take()) }
    styles[i % styles.length](o.error, o)
    file.add(sink.take(), [o])
  })
  return file
}

export function plain(all) {
  const files = []
  let f = new File('flat', { logger: 'JSON.stringify of an own record', note: 'the form the README opens with' })
  for (const o of pick(all, 80)) {
    if (f.full()) break
    const t = new Date(o.time)
    f.add(JSON.stringify({ time: t.toISOString(), level: Math.random() < 0.1 ? 'warn' : 'error', msg: `im ${o.via}`, error: o.error, userId: o.user, deviceId: device(o), ...app(o) }), [o])
    if (Math.random() < 0.3) f.add(JSON.stringify({ time: t.toISOString(), level: 'info', msg: talk(), userId: o.user, ...app(o) }))
  }
  files.push(f)

  f = new File('bare', { logger: 'JSON.stringify of the error itself, alone or spread into a record' })
  pick(all, 64).forEach((o, i) => f.add(JSON.stringify(i % 3 ? { ts: o.time, level: 'error', ...o.error, uid: o.user } : o.error), [o]))
  files.push(f)

  f = new File('text-json', { logger: 'console.error of text and JSON.stringify', note: 'Node writes the line as it is' })
  const iso = (o) => new Date(o.time).toISOString()
  const forms = [
    (o) => `${iso(o)} ERROR [im] login failed: ${JSON.stringify(o.error)}`,
    (o) => `[${new Date(o.time).toLocaleString()}] IM onError ${JSON.stringify(o.error)} user=${o.user}`,
    (o) => `${iso(o)} WARN im-web/${APP.web.appVersion} ${o.user} ${JSON.stringify({ error: o.error })}`,
    (o) => `im error ${JSON.stringify(o.error)}`,
    (o) => `${iso(o)} ERROR send failed, message=hello {"a":1}, err=${JSON.stringify(o.error)}`,
    (o) => `ERROR ${o.user} ${JSON.stringify([o.step, o.error])}`,
  ]
  pick(all, 78).forEach((o, i) => f.add(forms[i % forms.length](o), [o]))
  files.push(f)

  f = new File('args', { logger: 'console arguments kept as an array (Cordova, Electron, log collectors in pages)' })
  pick(all, 60).forEach((o, i) => f.add(JSON.stringify([['im error', o.error], ['[IM]', o.user, o.via, o.error], { level: 'error', args: ['kick?', o.error], ts: o.time, url: 'https://chat.example.com/#/room' }, { type: 'console', level: 'error', arguments: [JSON.stringify(o.error)], time: o.time }][i % 4]), [o]))
  files.push(f)

  f = new File('pretty', { logger: 'JSON.stringify(record, null, 2)', note: 'documents over many lines' })
  for (const o of pick(all, 60)) f.add(JSON.stringify({ time: iso(o), level: 'error', message: 'im error', error: o.error, userId: o.user }, null, 2), [o])
  files.push(f)

  f = new File('batch', { logger: 'arrays of events, as a page posts them', note: 'several codes on one line' })
  const obs = pick(all, 72)
  for (let i = 0; i < obs.length; i += 4) f.add(JSON.stringify(obs.slice(i, i + 4).map((o) => ({ t: o.time, level: 'error', ev: 'im_error', error: o.error, user: { id: o.user } }))), obs.slice(i, i + 4))
  files.push(f)

  f = new File('two-documents', { logger: 'two records on one line, after a lost line feed' })
  const two = pick(all, 48)
  for (let i = 0; i < two.length; i += 2) f.add(two.slice(i, i + 2).map((o) => JSON.stringify({ time: iso(o), error: o.error, userId: o.user })).join(i % 4 ? ' ' : ''), two.slice(i, i + 2))
  files.push(f)

  f = new File('nested', { logger: 'records within strings: message, body, reason; own wrappers' })
  const nest = [
    (o) => ({ '@timestamp': iso(o), message: JSON.stringify({ level: 'error', error: o.error, userId: o.user }) }),
    (o) => ({ ts: o.time, level: 'error', body: JSON.stringify({ msg: 'im', error: o.error }) }),
    (o) => ({ ts: o.time, level: 'error', error: JSON.stringify(o.error), userId: o.user }),
    (o) => ({ ts: o.time, level: 'error', event: 'im', ctx: { err: o.error }, userId: o.user }),
    (o) => ({ ts: o.time, level: 'error', payload: { detail: { imError: o.error } }, user_id: o.user }),
    (o) => ({ ts: o.time, 'error.type': o.code, 'error.message': o.error.message ?? o.error.reason ?? '', level: 'error', user: o.user }),
    (o) => ({ ts: o.time, error: { type: String(o.code), message: o.error.message ?? o.error.reason ?? '' }, level: 'error', user: o.user }),
    (o) => ({ ts: o.time, msg: 'login failed: ' + JSON.stringify(o.error), level: 'error', user: o.user }),
  ]
  pick(all, 80).forEach((o, i) => f.add(JSON.stringify(nest[i % nest.length](o)), [o]))
  files.push(f)

  f = new File('cut', { logger: 'records cut off at 160 bytes, as by a small UDP packet', note: 'last resort: what is left is not JSON' })
  pick(all, 48).forEach((o, i) => {
    const text = Buffer.from(i % 2 ? JSON.stringify({ time: iso(o), level: 'error', error: o.error, userId: o.user, ...app(o), ua: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36' }) : JSON.stringify({ ...o.error, userId: o.user, deviceId: device(o), ...app(o), ua: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)' })).subarray(0, 160).toString('utf8').replace(/\ufffd+$/, '')
    f.add(text, [o], { seen: text.replace(/\d+$/, '') }) // a number at the cut may have lost digits
  })
  files.push(f)
  return files
}

export function pinos(all) {
  const make = (opt) => { const s = new Sink(); return [s, pino({ base: { pid: 4187, hostname: 'im-gw-6f7c9d5b8-x2lqn', service: 'im-web', version: '5.3.0' }, ...opt }, s)] }
  const files = []
  let [s, log] = make()
  let f = new File('pino', { logger: 'pino', version: version('pino'), note: 'every key but err; also child loggers and texts' })
  files.push(each(f, pick(all, 90), s, [
    (e, o) => log.error({ error: e, userId: o.user }, 'im error'),
    (e, o) => log.child({ userId: o.user, appVersion: app(o).appVersion, platform: app(o).platform }).error({ error: e }),
    (e, o) => log.child({ uid: o.user }).error(e),
    (e, o) => log.error(e, 'im error'),
    (e, o) => log.warn({ im: { error: e }, user: { id: o.user } }, 'send failed'),
    (e) => log.error('im error %j', e),
    (e, o) => log.error({ userId: o.user }, `im error ${JSON.stringify(e)}`),
    (e, o) => log.fatal({ reason: e, userId: o.user }, 'unhandledRejection'),
    (e, o) => log.info({ error: e, userId: o.user }, 'disconnected'),
  ], (m, o) => log.info({ userId: o.user }, m)))

  ;[s, log] = make()
  f = new File('pino-err', { logger: 'pino', version: version('pino'), note: 'the usual {err: e}: its serializer puts the name of the class in type' })
  files.push(each(f, pick(all, 60), s, [
    (e, o) => log.error({ err: e, userId: o.user }, 'im error'),
    (e, o) => log.child({ userId: o.user }).error({ err: e }),
    (e, o) => log.error({ err: new Error('login failed', { cause: e }) }),
  ]))

  ;[s, log] = make({ messageKey: 'message', errorKey: 'error', timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } })
  f = new File('pino-gcp', { logger: 'pino', version: version('pino'), note: 'errorKey: error, messageKey: message, level names, ISO times' })
  files.push(each(f, pick(all, 48), s, [
    (e, o) => log.error({ error: e, userId: o.user }, 'im error'),
    (e, o) => log.error({ data: e, userId: o.user }, 'im error'),
    (e) => log.error(e),
  ]))

  const raw = new Sink()
  const pl = pino({ base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, raw)
  const pretty = pinoPretty.prettyFactory({ colorize: false, translateTime: 'SYS:standard' })
  f = new File('pino-pretty', { logger: 'pino-pretty', version: version('pino-pretty'), note: 'JSON in pieces, indented under a line of text' })
  pick(all, 40).forEach((o, i) => {
    clockAt(o)
    if (i % 3 === 2) pl.error(o.error, 'im error'); else pl.error({ error: o.error, userId: o.user }, 'im error')
    f.add(pretty(raw.take()), [o])
  })
  files.push(f)

  s = new Sink(); log = pino(ecsPino({ serviceName: 'im-web', serviceVersion: '5.3.0' }), s)
  f = new File('ecs-pino', { logger: '@elastic/ecs-pino-format', version: version('@elastic/ecs-pino-format') })
  files.push(each(f, pick(all, 60), s, [
    (e, o) => log.error({ error: e, user: { id: o.user } }, 'im error'),
    (e, o) => log.child({ user: { id: o.user } }).error({ imError: e }, 'im error'),
    (e) => log.error({ err: e }, 'im error'),
    (e) => log.error(e),
  ], (m) => log.info(m)))
  return files
}

const stream = (s) => new winston.transports.Stream({ stream: new Writable({ write(c, _, cb) { s.write(c.toString()); cb() } }) })

export function winstons(all) {
  const { combine, timestamp, json, splat, errors, simple, printf, logstash, prettyPrint } = winston.format
  const make = (format, more = {}) => { const s = new Sink(); return [s, winston.createLogger({ format, transports: [stream(s)], ...more })] }
  const files = []
  let [s, log] = make(combine(timestamp(), splat(), json()), { defaultMeta: { service: 'im-web', appVersion: '5.3.0', platform: 'web' } })
  let f = new File('winston', { logger: 'winston', version: version('winston'), note: 'json, timestamp, splat. An object given alone is used as the record itself, and written into' })
  files.push(each(f, pick(all, 84), s, [
    (e, o) => log.error('im error', { error: e, userId: o.user }),
    (e) => log.error(e),
    (e) => log.error('im', e),
    (e) => log.error('im %j', e),
    (e, o) => log.child({ userId: o.user }).error({ message: 'im error', error: e }),
    (e) => log.error('login failed', new Error('im', { cause: e })),
    (e, o) => log.log({ level: 'warn', message: JSON.stringify(e), userId: o.user }),
  ], (m, o) => log.info(m, { userId: o.user })))

  ;[s, log] = make(combine(timestamp(), json()))
  f = new File('winston-thrice', { logger: 'winston', version: version('winston'), note: 'one kick, one object, three callbacks: log.error(e) leaves its level and timestamp in the object that the next callback logs' })
  for (const o of pick(all, 10, (x) => [206, 207, 216, 217].includes(x.code))) {
    clockAt(o)
    log.error(o.error); f.add(s.take(), [o])
    tick(4); log.error('onError', { error: o.error, userId: o.user }); f.add(s.take(), [o])
    tick(900); log.warn('disconnected', { detail: { why: o.error } }); f.add(s.take(), [o])
  }
  files.push(f)

  for (const [name, format, note] of [
    ['winston-logstash', combine(timestamp(), logstash()), 'logstash(): the record under @fields'],
    ['winston-simple', combine(splat(), simple()), 'simple(): text, then the rest as JSON'],
    ['winston-pretty', combine(timestamp(), prettyPrint()), 'prettyPrint(): util.inspect of the record'],
    ['winston-printf', combine(timestamp(), printf(({ timestamp: t, level, message, ...rest }) => `${t} ${level.toUpperCase()} ${message} ${JSON.stringify(rest)}`)), 'printf() with the rest as JSON'],
  ]) {
    ;[s, log] = make(format)
    f = new File(name, { logger: 'winston', version: version('winston'), note })
    files.push(each(f, pick(all, 36), s, [
      (e, o) => log.error('im error', { error: e, userId: o.user }),
      (e, o) => log.error({ message: 'im error', detail: e, userId: o.user }),
      (e) => log.error('im', e),
    ]))
  }

  ;[s, log] = make(ecsWinston({ convertErr: true, serviceName: 'im-web', serviceVersion: '5.3.0' }))
  f = new File('ecs-winston', { logger: '@elastic/ecs-winston-format', version: version('@elastic/ecs-winston-format') })
  files.push(each(f, pick(all, 60), s, [
    (e, o) => log.error('im error', { error: e, user: { id: o.user } }),
    (e, o) => log.error('im error', { imError: e, user: { id: o.user } }),
    (e) => log.error('im error', { err: e }),
    (e) => log.error('im', e),
  ], (m) => log.info(m)))
  return files
}

export function bunyans(all) {
  const s = new Sink()
  const log = bunyan.createLogger({ name: 'im-web', version: '5.3.0', serializers: bunyan.stdSerializers, streams: [{ level: 'debug', stream: s }] })
  const styles = [
    (e, o) => log.error({ error: e, userId: o.user }, 'im error'),
    (e, o) => log.error({ err: e, userId: o.user }, 'im error'),
    (e) => log.error(e, 'im error'),
    (e, o) => log.child({ userId: o.user, platform: app(o).platform }).warn({ detail: { e } }),
    (e) => log.error('im error %j', e),
    (e) => log.error({ err: new Error('login failed', { cause: e }) }, 'login'),
  ]
  const f = each(new File('bunyan', { logger: 'bunyan', version: version('bunyan') }), pick(all, 78), s, styles, (m, o) => log.info({ userId: o.user }, m))
  const g = new File('bunyan-cli', { logger: 'bunyan, its command', version: version('bunyan'), note: 'the records of bunyan made readable' })
  const obs = pick(all, 30)
  obs.forEach((o, i) => {
    clockAt(o); styles[[0, 1, 2, 4][i % 4]](o.error, o)
    g.add(execFileSync(process.execPath, [require.resolve('bunyan/bin/bunyan'), '--no-color', '-L'], { input: s.take(), encoding: 'utf8', env: { TZ: 'Asia/Shanghai' } }), [o])
  })
  return [f, g]
}

export async function consoles(all) {
  const files = []
  const noXHR = (o) => !('xhr' in o.error) && !(o.error.data && typeof o.error.data === 'object' && ('xhr' in o.error.data || o.error.data.constructor?.name === 'XMLHttpRequest'))
  const run = async (name, about, n, styles, before = () => {}) => {
    const f = new File(name, about)
    let i = 0
    for (const o of pick(all, n, noXHR)) {
      clockAt(o); before(o)
      f.add(await caught(() => styles[i % styles.length](o.error, o)), [o])
      i++
    }
    files.push(f)
  }
  await run('console-inspect', { logger: "console.error('text', e)", version: 'node ' + process.versions.node.split('.')[0], note: 'util.inspect, on one line or on several' }, 60, [
    (e) => console.error('im error', e),
    (e) => console.error(e),
    (e, o) => console.error(new Date(o.time).toISOString(), 'ERROR', o.user, { error: e }),
    (e) => console.error('im error:', util.inspect(e, { breakLength: Infinity, compact: true })),
    (e) => console.log('%s im %o', 'ERROR', e),
    (e) => console.error(new Error('login failed', { cause: e })),
  ])
  const ll = loglevel.getLogger('im'); ll.setLevel('trace', false)
  await run('loglevel', { logger: 'loglevel', version: version('loglevel'), note: 'the console, with the arguments as given or made JSON' }, 30, [(e) => ll.error('[im]', JSON.stringify(e)), (e) => ll.error('[im]', e), (e, o) => ll.warn(`[${o.user}] ${JSON.stringify({ error: e })}`)])
  const con = createConsola({ fancy: false, formatOptions: { date: true, colors: false }, stdout: process.stdout, stderr: process.stderr })
  await run('consola', { logger: 'consola', version: version('consola') }, 40, [(e) => con.error('im error', e), (e) => con.error(e), (e) => con.error({ message: 'im error', args: [e] }), (e) => con.error('im ' + JSON.stringify(e))])
  const ts = new TsLog({ type: 'json', name: 'im' }), tp = new TsLog({ type: 'pretty', name: 'im', pretty: { style: false } })
  await run('tslog', { logger: 'tslog', version: version('tslog'), note: 'type json' }, 48, [(e) => ts.error('im error', e), (e) => ts.error(e), (e, o) => ts.error({ error: e, userId: o.user }), (e) => ts.getSubLogger({ name: 'login' }).warn('im error', { e })])
  await run('tslog-pretty', { logger: 'tslog', version: version('tslog'), note: 'type pretty' }, 24, [(e) => tp.error('im error', e), (e) => tp.error({ error: e })])
  debug.enable('im*')
  const d = debug('im:login')
  d.useColors = false
  await run('debug', { logger: 'debug', version: version('debug') }, 40, [(e) => d('error %j', e), (e) => d('error %o', e), (e) => d('error %O', e), (e) => d(e)])

  const s = new Sink()
  const json = () => (ev) => JSON.stringify({ startTime: ev.startTime, category: ev.categoryName, level: ev.level.levelStr, data: ev.data })
  log4js.addLayout('json', json)
  const to = (layout) => ({ type: { configure: (c, layouts) => { const l = layouts.layout(c.layout.type, c.layout); return (ev) => s.write(l(ev) + '\n') } }, layout })
  log4js.configure({ appenders: { basic: to({ type: 'basic' }), pattern: to({ type: 'pattern', pattern: '%d{ISO8601} %p %c %X{user} - %m' }), json: to({ type: 'json' }) }, categories: { default: { appenders: ['basic'], level: 'all' }, pattern: { appenders: ['pattern'], level: 'all' }, json: { appenders: ['json'], level: 'all' } } })
  const lb = log4js.getLogger('im'), lp = log4js.getLogger('pattern'), lj = log4js.getLogger('json')
  let f = new File('log4js', { logger: 'log4js', version: version('log4js'), note: 'basic and pattern layouts: util.inspect, or JSON if the app made it' })
  each(f, pick(all, 40, noXHR), s, [(e) => lb.error('im error', e), (e) => lb.error('im error', JSON.stringify(e)), (e, o) => { lp.addContext('user', o.user); lp.error('im error', JSON.stringify({ error: e })) }, (e) => lp.warn('%j', e)])
  files.push(f)
  f = new File('log4js-json', { logger: 'log4js', version: version('log4js'), note: 'its JSON layout as the manual gives it: arguments in data' })
  files.push(each(f, pick(all, 40), s, [(e) => lj.error('im error', e), (e, o) => lj.error({ error: e, userId: o.user }), (e) => lj.error(e)], (m) => lj.info(m)))

  f = new File('logfmt', { logger: 'logfmt', version: version('logfmt') })
  each(f, pick(all, 48), s, [
    (e, o) => s.write(logfmt.stringify({ ts: new Date(o.time).toISOString(), level: 'error', msg: 'im error', 'error.type': e.type, 'error.message': e.message ?? e.reason, user: o.user }) + '\n'),
    (e, o) => s.write(logfmt.stringify({ level: 'error', msg: 'im error', error: JSON.stringify(e), user: o.user }) + '\n'),
    (e, o) => s.write(logfmt.stringify({ ts: o.time, level: 'error', ...e }) + '\n'),
    (e) => s.write(logfmt.stringify({ level: 'error', msg: 'im error', error: e }) + '\n'),
  ])
  files.push(f)

  f = new File('gelf-pro', { logger: 'gelf-pro', version: version('gelf-pro'), note: 'its flattening: error.type becomes _error_type' })
  const got = []
  gelf.setConfig({ fields: { app: 'im-web', version: '5.3.0' }, adapterName: 'udp', adapterOptions: { host: '127.0.0.1', port: 9 }, broadcast: [(m) => got.push(gelf.getStringFromObject(m))] })
  for (const o of pick(all, 24)) {
    clockAt(o)
    gelf.error('im error', { error: JSON.parse(JSON.stringify(o.error)), user: o.user })
    f.add(got.pop(), [o])
  }
  files.push(f)
  return files
}

// OpenTelemetry's logs SDK exports to a receiver on loopback, which writes each request as a line, as the collector's
// file exporter does.
export async function otel(all) {
  const bodies = []
  const receiver = http.createServer((q, r) => { let b = ''; q.setEncoding('utf8').on('data', (d) => (b += d)).on('end', () => { bodies.push(b); r.writeHead(200, { 'content-type': 'application/json' }); r.end('{}') }) })
  await new Promise((ok) => receiver.listen(0, '127.0.0.1', ok))
  const held = []
  const exporter = new OTLPLogExporter({ url: `http://127.0.0.1:${receiver.address().port}/v1/logs` })
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'im-web', 'service.version': '5.3.0' }),
    processors: [new SimpleLogRecordProcessor({ exporter: { export: (records, done) => { held.push(...records); done({ code: 0 }) }, shutdown: async () => {}, forceFlush: async () => {} } })],
  })
  const log = provider.getLogger('im', '1.0.0')
  const flush = async () => {
    for (let i = 0; i < 50 && !held.length; i++) await new Promise((r) => setTimeout(r, 2))
    const before = bodies.length
    exporter.export(held.splice(0), () => {})
    while (bodies.length === before) await new Promise((r) => setTimeout(r, 2))
    return bodies.at(-1)
  }
  const plainOf = (e) => JSON.parse(JSON.stringify(e))
  const warn = { severityNumber: 17, severityText: 'ERROR' }
  const styles = [
    (e, o) => log.emit({ ...warn, timestamp: o.time, body: 'im error', attributes: { 'error.type': e.type, 'error.message': e.message ?? e.reason ?? '', 'user.id': o.user } }),
    (e, o) => log.emit({ ...warn, timestamp: o.time, body: 'im error', attributes: { 'error.type': String(e.type), 'enduser.id': o.user } }),
    (e, o) => log.emit({ ...warn, timestamp: o.time, body: { message: 'im error', error: plainOf(e), userId: o.user } }),
    (e, o) => log.emit({ ...warn, timestamp: o.time, body: JSON.stringify({ error: e, userId: o.user }) }),
    (e, o) => log.emit({ ...warn, timestamp: o.time, body: 'im error', attributes: { error: plainOf(e), 'user.id': o.user } }),
    (e, o) => log.emit({ ...warn, timestamp: o.time, body: plainOf(e), attributes: { 'user.id': o.user } }),
  ]
  const f = new File('otlp', { logger: '@opentelemetry/sdk-logs', version: version('@opentelemetry/sdk-logs'), note: 'one export request a line, up to four records in it' })
  const obs = pick(all, 84)
  for (let i = 0, n; i < obs.length; i += n) {
    n = Math.min(i < 48 ? 1 : 1 + (i % 4), obs.length - i) // alone first: no neighbour may help to find it
    const some = obs.slice(i, i + n)
    some.forEach((o, j) => { clockAt(o); styles[(i + j) % styles.length](o.error, o) })
    const body = await flush()
    f.add(body, some)
  }
  receiver.closeAllConnections(); receiver.close()
  return [f]
}

// Sentry's envelopes and events, taken from a transport that keeps them.
export async function sentry(all) {
  const kept = []
  Sentry.init({
    dsn: 'http://0123456789abcdef0123456789abcdef@127.0.0.1/42', release: 'im-web@5.3.0', environment: 'production', serverName: 'im-gw', defaultIntegrations: false,
    transport: () => ({ send: async (env) => { kept.push(env); return { statusCode: 200 } }, flush: async () => true }),
    beforeSend: (ev) => ev,
  })
  const events = new File('sentry', { logger: '@sentry/node', version: version('@sentry/node'), note: 'one event a line: the objects are in extra' })
  const envs = new File('sentry-envelope', { logger: '@sentry/node', version: version('@sentry/node'), note: 'envelopes as sent: three lines each, the event on the third; the line given is the third' })
  let i = 0
  for (const o of pick(all, 48)) {
    clockAt(o)
    const e = o.error
    Sentry.withScope((sc) => {
      sc.setUser({ id: o.user }); sc.setTag('platform', app(o).platform)
      if (i % 4 === 0) Sentry.captureException(e)
      if (i % 4 === 1) { sc.setExtra('error', e); Sentry.captureMessage('im error', 'error') }
      if (i % 4 === 2) { sc.setContext('im', { error: e }); Sentry.captureException(new Error('im ' + o.via)) }
      if (i % 4 === 3) { Sentry.addBreadcrumb({ category: 'im', level: 'error', message: 'onError', data: { error: e } }); Sentry.captureException(new Error('login failed', { cause: e })) }
    })
    await Sentry.flush(1000)
    Sentry.getIsolationScope().clearBreadcrumbs()
    for (const env of kept.splice(0)) for (const [h, ev] of env[1]) {
      if (h.type !== 'event') continue
      const line = JSON.stringify(ev)
      if (i % 2 && !envs.full()) {
        envs.add(JSON.stringify(env[0])); envs.add(JSON.stringify(h)); envs.add(line, [o])
      } else if (!events.full()) events.add(line, [o])
    }
    i++
  }
  return [events, envs]
}

// What Node itself says of a rejection that nobody caught, and what the common handlers say.
export function node(all) {
  const f = new File('node-unhandled', { logger: 'node', version: process.versions.node, note: 'unhandled rejections: Node names the class only; handlers of the app print more' })
  const obs = pick(all, 25, (o) => !JSON.stringify(o.error).includes('xhr'))
  const run = (code, input) => { try { return execFileSync(process.execPath, ['-e', code], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }) } catch (x) { return x.stdout + x.stderr } }
  obs.forEach((o, i) => {
    const read = "JSON.parse(require('fs').readFileSync(0,'utf8'))"
    const v = o.error.constructor === Object ? read : `(()=>{class e{constructor(o){Object.assign(this,o)}};return new e(${read})})()`
    const how = [
      `Promise.reject(${v})`,
      `process.on('unhandledRejection',(r)=>console.error('unhandledRejection',JSON.stringify(r)));Promise.reject(${v})`,
      `process.on('unhandledRejection',(r)=>{console.error('Unhandled Rejection at:',r)});Promise.reject(${v})`,
      `throw ${v}`,
      `Promise.reject(new Error('login failed',{cause:${v}}))`,
    ]
    f.add(run(how[i % 5], JSON.stringify(o.error)), [o])
  })
  return [f]
}

export function mini(all) {
  const f = new File('mini-program', { logger: "a mini program's own records", note: 'the build for mini programs: data is an object, beside header, statusCode, cookies, errMsg' })
  for (const o of pick(all, 90, (x) => x.sdk === 'miniprogram')) {
    if (f.full()) break
    f.add(JSON.stringify({ ts: o.time, level: 'error', page: 'pages/chat/index', error: o.error, openId: 'oX3f' + o.user.length, userId: o.user, ...APP.mini }), [o])
  }
  const g = new File('mini-realtime', { logger: "a mini program's realtime log: argument arrays", note: 'written after its documented form' })
  for (const o of pick(all, 48, (x) => x.sdk === 'miniprogram')) g.add(JSON.stringify({ time: Math.floor(o.time / 1000), level: 4, libraryVersion: '3.6.2', id: hex(8), msg: [{ time: o.time, level: 4, msg: ['im error', JSON.stringify(o.error)] }] }), [o])
  return [f, g]
}
