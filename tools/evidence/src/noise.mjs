// Ordinary lines of the same loggers, with types of other meaning. Nothing in noise.log is an SDK error. In
// noise-hard.log (kept beside this tool, not among the samples) nothing is either, but nothing in the record says so:
// free text and small numbers.
import pino from 'pino'
import winston from 'winston'
import bunyan from 'bunyan'
import logfmt from 'logfmt'
import Ajv from 'ajv'
import { ecsFormat } from '@elastic/ecs-pino-format'
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { JsonLogsSerializer } from '@opentelemetry/otlp-transformer'
import { Writable } from 'node:stream'
import { File, Sink } from './file.mjs'
import { tick, clock, hex } from './still.mjs'

const quoted = '{"error":{"type":206,"message":"the user is already logged on another device"}}'
const KICKED = 'the user is already logged on another device'

function system() {
  const errs = []
  try { JSON.parse('{"a":') } catch (e) { errs.push(e) }
  try { null.type } catch (e) { errs.push(e) }
  errs.push(Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:6379'), { errno: -111, code: 'ECONNREFUSED', syscall: 'connect', address: '10.0.0.7', port: 6379 }))
  errs.push(Object.assign(new Error('Request failed with status code 500'), { name: 'AxiosError', code: 'ERR_BAD_RESPONSE', status: 500 }))
  errs.push(new AggregateError([new Error('206'), new RangeError('type 217')], 'all failed'))
  return errs
}

function validation() {
  const v = new Ajv({ allErrors: true }).compile({ type: 'object', properties: { uid: { type: 'string' }, age: { type: 'integer' } }, required: ['uid'] })
  v({ age: 'x' })
  return v.errors
}

// records yields {level, o, msg}: what an app would log.
function records(good, messages) {
  const r = []
  const add = (level, o, msg) => r.push({ level, o, msg })
  for (const m of messages) { add('info', { message_in: m }, 'received'); add('warn', { msgBody: m }, 'slow message'); add('info', { payload: JSON.stringify(m) }, 'queued') }
  add('error', { from: 'u_1', to: 'u_2', chatType: 'singleChat', body: quoted }, 'message rejected by filter')
  add('error', { chatType: 'groupChat', from: '王小明', msg: { type: 'txt', content: quoted }, message: quoted }, 'audit')
  add('info', { from: 'u_1', chatType: 'singleChat', type: 'txt', msg: `看日志 ${quoted} 是什么意思？` }, 'received')
  add('warn', { text: `he wrote ${quoted}` }, 'flagged')
  for (const g of good) { add('info', { res: g }, 'ok'); add('info', { error: undefined, result: g }, 'done'); add('warn', { res: g }, 'slow call') }
  for (let t = 1; t <= 9; t++) { add('info', { event: { type: t, ts: clock() } }, 'track'); add('warn', { frame: { type: t, len: 12 * t } }, 'unexpected frame'); add('info', { type: t }, 'metric') }
  for (const t of [200, 204, 206, 404, 500, 502, 503]) { add('info', { type: t, url: '/v/clip.mp4', ms: 12 }, 'response'); add('error', { res: { type: t, url: '/api/users', statusText: 'x' } }, 'upstream'); add('info', { req: { type: t, message: 'Partial Content' } }, 'proxied') }
  for (const status of ['400', '401', '429', '500', '503']) {
    add('error', { error: { type: status }, http: { request: { method: 'GET' }, response: { status_code: Number(status) } }, url: { path: '/api/orders' } }, 'request failed')
    add('error', { 'error.type': status, 'http.request.method': 'POST', 'http.response.status_code': Number(status), 'url.full': 'https://api.example.com/pay' }, 'request failed')
    add('warn', { 'error.type': status, 'rpc.system': 'grpc', 'rpc.method': 'GetUser' }, 'rpc failed')
    add('error', { error: { type: Number(status), message: 'pool exhausted' }, db: { system: 'postgresql' } }, 'query failed')
  }
  for (const e of system()) { add('error', { err: e }, 'failed'); add('error', { error: { type: e.name, message: e.message, stack: String(e.stack).split('\n')[0] } }, 'failed'); add('error', { error: { type: e.name, message: e.message, stack_trace: e.stack } }, 'failed') }
  add('error', { error: { type: 'java.lang.NullPointerException', message: 'x', stack_trace: 'at a.b(C.java:206)' } }, 'upstream')
  add('error', { error: { type: 'timeout', message: 'deadline exceeded' } }, 'call failed')
  add('error', { error: { type: 'invalid_request_error', message: 'Your card was declined', code: 'card_declined' } }, 'payment failed')
  add('error', { error: { type: null } }, 'lost')
  add('error', { error: null }, 'lost'); add('error', { error: 'type 206' }, 'lost'); add('error', { error: 206 }, 'lost'); add('error', { error: { code: 206, msg: 'no type here' } }, 'lost')
  for (const e of validation()) { add('warn', { validation: e }, 'invalid body'); add('error', { errors: [e] }, 'invalid body') }
  for (const [k, v] of [['action', { type: 'user/login', payload: 206 }], ['geo', { type: 'Point', coordinates: [116.4, 39.9] }], ['dom', { type: 'error', isTrusted: true }], ['close', { type: 'close', code: 1006, reason: '' }], ['file', { type: 'image/png', size: 217 }], ['k8s', { type: 'Warning', reason: 'BackOff', message: 'Back-off restarting failed container', count: 206 }], ['schema', { type: ['string', 'null'], message: 'm' }], ['op', { operationName: 206, type: 'MSYNC_SENDMESSAGE', code: 200 }], ['column', { type: 'int(11)', name: 'error' }], ['ast', { type: 'Literal', value: 206, raw: '206' }]]) { add('info', { [k]: v }, k); add('error', { [k]: v }, `${k} failed`) }
  add('info', {}, 'error type 206 is documented as a kick'); add('error', {}, 'type: 206, see the manual'); add('warn', {}, `what does "type":206 mean`); add('error', {}, KICKED)
  add('info', { level_up: { type: 206, data: { id: 1 } } }, 'quest'); add('error', { item: { type: 217, name: 'sword', price: 509 } }, 'purchase failed'); add('error', { order: { type: 501, items: [{ type: 219 }] } }, 'no stock')
  add('info', { notice: { type: 101, message: 'welcome' } }, 'shown'); add('info', { banner: { type: 1, message: '双十一' } }, 'shown')
  return r
}

const HARD = [
  ['warn', { type: 1, message: 'battery low' }], ['error', { type: 2, message: 'payment declined', id: 77 }], ['error', { notice: { type: 3, message: 'door open' } }], ['warn', { alarm: { type: 16, message: 'temperature above limit' } }],
  ['error', { job: { type: 17, message: 'import aborted', data: { rows: 3 } } }], ['error', { error: { type: 'VALIDATION_ERROR', message: 'name is required' } }], ['error', { error: { type: 'ECONNREFUSED', message: 'connect' } }], ['error', { error: { type: 3, message: 'disk nearly full' } }],
  ['error', { error: { type: 4711, message: 'order is locked' } }], ['warn', { 'error.type': '500' }], ['error', { result: { type: 500, message: 'Internal Server Error' } }], ['error', { popup: { type: 40, message: 'retry?' } }],
]

export function noise({ good, messages }) {
  const f = new File('noise', { logger: 'pino, winston, bunyan, ECS, OpenTelemetry, logfmt, text', note: 'no SDK error in it: nothing is wanted' })
  const hard = new File('noise-hard', { aside: true, logger: 'pino and winston', note: 'no SDK error in it either, but the record itself does not say so: what is found here is the price of the rules' })
  const s = new Sink()
  const p = pino({ base: { pid: 4187, hostname: 'im-web-7c9d' } }, s)
  const pe = pino(ecsFormat(), s)
  const w = winston.createLogger({ level: 'silly', format: winston.format.combine(winston.format.timestamp(), winston.format.json()), transports: [new winston.transports.Stream({ stream: new Writable({ write(c, _, cb) { s.write(c.toString()); cb() } }) })] })
  const b = bunyan.createLogger({ name: 'im-web', serializers: bunyan.stdSerializers, streams: [{ stream: s }] })
  const held = []
  const otel = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: { export: (rs, done) => { held.push(...rs); done({ code: 0 }) }, shutdown: async () => {}, forceFlush: async () => {} } })] }).getLogger('http')
  const json = (v) => JSON.parse(JSON.stringify(v))
  const writers = [
    ({ level, o, msg }) => p[level](o, msg),
    ({ level, o, msg }) => w.log({ level, message: msg, ...o }),
    ({ level, o, msg }) => b[level](o, msg),
    ({ level, o, msg }) => pe[level](o, msg),
    ({ level, o, msg }) => s.write(`${new Date().toISOString()} ${level.toUpperCase()} ${msg} ${JSON.stringify(o)}\n`),
    ({ level, o, msg }) => s.write(JSON.stringify({ log: JSON.stringify({ level, msg, ...o }) + '\n', stream: 'stdout', time: new Date().toISOString() }) + '\n'),
    ({ level, o, msg }) => s.write(logfmt.stringify({ level, msg, ...Object.fromEntries(Object.entries(o).map(([k, v]) => [k, typeof v === 'object' ? JSON.stringify(v) : v])) }) + '\n'),
  ]
  records(good, messages).forEach((x, i) => {
    if (f.full()) return
    for (const k of [i % writers.length, (i + 3) % writers.length]) { tick(411); writers[k](x); f.add(s.take()) }
  })
  for (const [attributes, body] of [[{ 'error.type': '500', 'http.request.method': 'GET', 'http.response.status_code': 500 }, 'GET /api'], [{ 'error.type': 'timeout', 'rpc.system': 'grpc' }, 'rpc'], [{ 'exception.type': 'TypeError', 'exception.message': 'x' }, 'uncaught'], [{ 'db.system': 'redis', 'error.type': '206' }, 'GET'], [{ 'event.type': 206 }, 'event'], [{}, { type: 3, text: 'hello' }], [{ from: 'u_1', chatType: 'singleChat' }, quoted]]) {
    tick(411); held.length = 0
    otel.emit({ severityNumber: 17, severityText: 'ERROR', timestamp: clock(), body, attributes })
    if (held.length) f.add(new TextDecoder().decode(JsonLogsSerializer.serializeRequest(held)))
  }
  for (const [i, [level, o]] of HARD.entries()) for (const wr of [writers[0], writers[1], writers[4]]) { tick(977); wr({ level, o: json(o), msg: o.message ?? 'x' }); hard.add(s.take()) }
  return [f, hard]
}
