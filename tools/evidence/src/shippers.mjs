// What log shippers make of an app's lines. Real shippers are not run here: these few lines of code follow their
// documented or observed output. The lines inside are pino's and winston's.
import pino from 'pino'
import winston from 'winston'
import { Writable } from 'node:stream'
import { File, Sink, pick, clockAt } from './file.mjs'
import { hex } from './still.mjs'

const PART = 16384 // Docker and CRI runtimes cut longer lines there

// lines yields what an app prints: pino's records, winston's, or a text with JSON, by turns; {text, o} with the time.
function lines(all, n, { big = false } = {}) {
  const s = new Sink()
  const p = pino({ base: { pid: 4187, hostname: 'im-web-7c9d', service: 'im-web', version: '5.3.0' } }, s)
  const w = winston.createLogger({ format: winston.format.combine(winston.format.timestamp(), winston.format.json()), transports: [new winston.transports.Stream({ stream: new Writable({ write(c, _, cb) { s.write(c.toString()); cb() } }) })] })
  return pick(all, n).map((o, i) => {
    clockAt(o)
    const pad = big ? { breadcrumbs: Array.from({ length: 260 + 40 * (i % 5) }, (_, j) => ({ at: o.time - j * 1000, to: '/room/' + hex(8), ms: j })) } : {}
    const style = i % (big ? 2 : 4)
    if (style === 0) p.error({ ...(i % 3 ? pad : {}), error: o.error, userId: o.user, ...(i % 3 ? {} : pad) }, 'im error')
    if (style === 1) w.error('im error', { ...pad, error: o.error, userId: o.user })
    if (style === 2) p.child({ userId: o.user }).error(o.error)
    if (style === 3) s.write(`${new Date(o.time).toISOString()} ERROR [im] onError ${JSON.stringify(o.error)} user=${o.user}\n`)
    return { text: s.take().replace(/\n$/, ''), o, t: new Date(o.time) }
  })
}

const nano = (t) => t.toISOString().replace('Z', '123456Z')
const local = (t) => new Date(t.getTime() + 8 * 3600e3).toISOString().replace('Z', '+08:00')
const utf8Pieces = (text, size) => {
  const b = Buffer.from(text), out = []
  for (let i = 0; i < b.length; ) {
    let j = Math.min(i + size, b.length)
    while (j < b.length && (b[j] & 0xc0) === 0x80) j-- // the runtimes cut anywhere; a test file had better be UTF-8
    out.push(b.subarray(i, j).toString())
    i = j
  }
  return out
}

export function shippers(all) {
  const files = []
  const make = (name, about, n, wrap, opt) => {
    const f = new File(name, { logger: about[0], version: '', note: about[1] ?? '' })
    for (const [i, x] of lines(all, n, opt).entries()) {
      if (f.full()) break
      const text = wrap(x, i)
      f.add(text, [x.o], { seen: opt?.blind ? '' : x.text })
    }
    files.push(f)
  }
  const docker = (t, log, stream = 'stdout') => JSON.stringify({ log, stream, time: nano(t) })
  make('docker', ['docker json-file'], 60, ({ text, t }, i) => docker(t, text + '\n', i % 5 ? 'stdout' : 'stderr'))
  make('docker-partial', ['docker json-file', 'lines above 16 KiB in several records; another stream in between'], 6, ({ text, t }) => {
    const parts = utf8Pieces(text, PART)
    return parts.map((p, j) => docker(t, j === parts.length - 1 ? p + '\n' : p)).join('\n' + docker(t, 'GET /healthz 200\n', 'stderr') + '\n')
  }, { big: true })
  const cri = (t, flag, text, stream = 'stdout') => `${local(t).replace('+', '123456+')} ${stream} ${flag} ${text}`
  make('cri', ['containerd and CRI-O'], 60, ({ text, t }, i) => cri(t, 'F', text, i % 5 ? 'stdout' : 'stderr'))
  make('cri-partial', ['containerd and CRI-O', 'P and F pieces; another stream in between'], 6, ({ text, t }) => {
    const parts = utf8Pieces(text, PART)
    return parts.map((p, j) => cri(t, j === parts.length - 1 ? 'F' : 'P', p)).join('\n' + cri(t, 'F', 'GET /healthz 200', 'stderr') + '\n')
  }, { big: true })
  const MON = 'Nov'
  make('syslog-3164', ['syslog, RFC 3164'], 48, ({ text, t }) => `<11>${MON} ${local(t).slice(8, 10)} ${local(t).slice(11, 19)} im-web-7c9d im-web[4187]: ${text}`)
  make('syslog-5424', ['syslog, RFC 5424'], 48, ({ text, t }, i) => `<11>1 ${local(t)} im-web-7c9d im-web 4187 - ${i % 2 ? `[meta sequenceId="${i}"]` : '-'} ${i % 3 ? '' : '\ufeff'}${text}`)
  make('syslog-file', ['rsyslog in a file, and @cee'], 40, ({ text, t }, i) => `${i % 2 ? local(t) : `${MON} ${local(t).slice(8, 10)} ${local(t).slice(11, 19)}`} im-web-7c9d im-web[4187]: ${i % 4 === 0 && text.startsWith('{') ? '@cee: ' : ''}${text}`)
  make('journald', ['journalctl -o json'], 48, ({ text, t }, i) => JSON.stringify({ __CURSOR: `s=${hex(8)};i=${i}`, __REALTIME_TIMESTAMP: String(t.getTime() * 1000), __MONOTONIC_TIMESTAMP: String(99100000 + i * 1000), _BOOT_ID: hex(32), PRIORITY: '3', _UID: '1000', _PID: '4187', SYSLOG_IDENTIFIER: 'im-web', _HOSTNAME: 'im-web-7c9d', _TRANSPORT: 'stdout', MESSAGE: text }))
  make('journald-bytes', ['journalctl -o json', 'a message with a control character is an array of bytes: no reader of text sees the number'], 6, ({ text, t }) => JSON.stringify({ __REALTIME_TIMESTAMP: String(t.getTime() * 1000), PRIORITY: '3', SYSLOG_IDENTIFIER: 'im-web', MESSAGE: [...Buffer.from('\u001b[31mERROR\u001b[39m ' + text)] }), { blind: true })
  make('gelf', ['GELF, JSON in short_message and full_message'], 48, ({ text, t, o }, i) => JSON.stringify({ version: '1.1', host: 'im-web-7c9d', short_message: i % 2 ? text : 'im error', ...(i % 2 ? {} : { full_message: text }), timestamp: t.getTime() / 1000, level: 3, _container_name: 'im-web', _user: o.user }))
  make('logcli', ['logcli query -o jsonl'], 48, ({ text, t }) => JSON.stringify({ labels: { app: 'im-web', namespace: 'chat', level: 'error' }, line: text, timestamp: local(t).replace('+', '123456+') }))
  {
    const f = new File('loki-push', { logger: 'Loki push requests', note: 'several lines in a stream, several streams in a request' })
    const xs = lines(all, 60)
    for (let i = 0; i < xs.length; i += 5) {
      const some = xs.slice(i, i + 5)
      const stream = (pod, part) => ({ stream: { app: 'im-web', pod }, values: part.map((x, j) => [`${x.t.getTime()}000000`, x.text, ...(j % 2 ? [{ trace_id: hex(16) }] : [])]) })
      f.add(JSON.stringify({ streams: [stream('im-web-a', some.slice(0, 3)), ...(some.length > 3 ? [stream('im-web-b', some.slice(3))] : [])] }), some.map((x) => x.o))
    }
    files.push(f)
  }
  const record = (text) => { try { return JSON.parse(text) } catch { return { log: text } } }
  make('fluentd-file', ['fluentd out_file', 'time, tag and record between tabs'], 48, ({ text, t }, i) => `${local(t).replace(/\.\d+/, '')}\tkube.im-web\t${JSON.stringify(i % 2 ? record(text) : { container: 'im-web', log: text + '\n', stream: 'stdout' })}`)
  make('fluentd-stdout', ['fluentd out_stdout', 'time, tag and colon before the record'], 48, ({ text, t }, i) => `${local(t).slice(0, 10)} ${local(t).slice(11, 23)}000000 +0800 kube.im-web: ${JSON.stringify(i % 2 ? record(text) : { container: 'im-web', log: text + '\n', stream: 'stdout' })}`)
  make('fluentd-forward', ['fluentd forward protocol, written as JSON', 'tag and entries in an array; rare in files'], 12, ({ text, t }, i) => JSON.stringify(i % 2 ? ['kube.im-web', [[Math.floor(t / 1000), { log: text + '\n', stream: 'stdout' }]], { chunk: hex(12), size: 1 }] : ['kube.im-web', Math.floor(t / 1000), record(text)]))
  make('fluent-bit', ['fluent-bit, json_lines', 'date and log, kubernetes metadata beside'], 60, ({ text, t }, i) => JSON.stringify({ date: t.getTime() / 1000, ...(i % 2 ? { log: text + '\n' } : record(text)), stream: 'stdout', kubernetes: { pod_name: 'im-web-7c9d', namespace_name: 'chat', labels: { app: 'im-web', type: 'web' }, container_name: 'im-web' } }))
  const ruby = (v) => Array.isArray(v) ? `[${v.map(ruby).join(', ')}]` : v && typeof v === 'object' ? `{${Object.entries(v).map(([k, x]) => `"${k}"=>${ruby(x)}`).join(', ')}}` : typeof v === 'string' ? `"${v.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : String(v)
  {
    const f = new File('fluent-bit-stdout', { logger: 'fluent-bit, out_stdout', note: "msgpack's own spelling, => between key and value; every second record is still a string of JSON" })
    lines(all, 30).forEach(({ text, t, o }, i) => f.add(`[0] kube.im-web: [[${t.getTime() / 1000}000000, {}], ${ruby(i % 2 ? { stream: 'stdout', log: text } : record(text))}]`, [o]))
    files.push(f)
  }
  make('filebeat', ['filebeat', 'JSON in message, or decoded under a key'], 48, ({ text, t }, i) => JSON.stringify({ '@timestamp': t.toISOString(), '@metadata': { beat: 'filebeat', type: '_doc', version: '8.17.0' }, log: { offset: 1000 * i, file: { path: '/var/log/im/app.log' } }, input: { type: 'filestream' }, agent: { type: 'filebeat', version: '8.17.0' }, host: { name: 'im-web-7c9d' }, ...(i % 3 ? { message: text } : { json: record(text) }) }))
  make('elastic-hits', ['hits saved from a search'], 40, ({ text, t, o }, i) => JSON.stringify({ _index: 'im-2026.11.23', _id: hex(20), _score: null, _source: { '@timestamp': t.toISOString(), ...(i % 2 ? { message: text } : record(text)), user: { id: o.user } }, sort: [t.getTime()] }))
  make('vector', ['vector, file source to console'], 40, ({ text, t }) => JSON.stringify({ file: '/var/log/im/app.log', host: 'im-web-7c9d', message: text, source_type: 'file', timestamp: nano(t) }))
  make('docker-body', ['docker json-file around a record with body around JSON', 'three envelopes'], 30, ({ text, t }) => docker(t, JSON.stringify({ ts: t.getTime() / 1000, host: 'im', body: text }) + '\n'))
  make('compose', ['docker compose logs, kubectl --prefix, stern', 'a prefix before the line'], 40, ({ text, t }, i) => [`im-web-1  | ${text}`, `[pod/im-web-7c9d/im-web] ${text}`, `im-web-7c9d im-web ${text}`, `${t.toISOString()} ${text}`][i % 4])
  return files
}
