// Regenerates testdata/logs/real: plays the SDK against a stand-in server on loopback and lets real loggers write what
// it raises. See README.md.
import './src/still.mjs'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { stillIds, speak } from './src/still.mjs'
import { Server } from './src/server.mjs'
import { openBrowser } from './src/browser.mjs'
import { openMiniProgram } from './src/miniprogram.mjs'
import { play } from './src/scenarios.mjs'
import * as loggers from './src/loggers.mjs'
import { shippers } from './src/shippers.mjs'
import { sdklogs } from './src/sdklog.mjs'
import { noise } from './src/noise.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const out = process.argv[2] ?? path.join(here, '../../testdata/logs/real')

process.on('unhandledRejection', (e) => { console.error('unhandled:', e); process.exitCode = 1 })
const server = await new Server().start()
const browser = openBrowser(server.port)
const sdk = browser.load('easemob-websdk')
const web = await play(sdk, server, 'easemob-websdk')
speak('zh-CN')
const zh = await play(sdk, server, 'easemob-websdk', { cache: true })
speak('en-US')
const en = await play(sdk, server, 'easemob-websdk', { cache: true })
speak('zh-CN')
const agora = await play(browser.load('agora-chat'), server, 'agora-chat', { differs: { 'login: too many devices': 2 } })
const mini = await play(openMiniProgram(), server, 'miniprogram', { files: false, differs: { 'group is full': 704, 'already a member': null, 'not a member': 702, 'no such group': 705, 'no answer': 17, 'connection reset': 17 } })
delete globalThis.wx
server.stop()
stillIds()
Error.stackTraceLimit = 4

const all = [...web.seen, ...agora.seen, ...mini.seen]
console.error(`${all.length} errors, ${new Set(all.map((o) => o.code)).size} codes`)

const scrub = (text) => text.replaceAll(`127.0.0.1:${server.port}`, 'a1.example.com').replaceAll('file://' + here, 'file:///srv/im').replaceAll(here, '/srv/im')
fs.mkdirSync(out, { recursive: true })
const rows = []
const makers = { plain: loggers.plain, pinos: loggers.pinos, winstons: loggers.winstons, bunyans: loggers.bunyans, consoles: loggers.consoles, node: loggers.node, otel: loggers.otel, sentry: loggers.sentry, mini: loggers.mini, sdklogs: () => sdklogs({ web, agora, mini, zh, en }), shippers, noise: () => noise(web) }
for (const make of Object.values(makers)) {
  for (const f of await make(all)) {
    if (f.about.aside) { if (!process.argv[2]) fs.writeFileSync(path.join(here, f.name + '.log'), scrub(f.text)); continue }
    fs.writeFileSync(path.join(out, f.name + '.log'), scrub(f.text))
    fs.writeFileSync(path.join(out, f.name + '.want.tsv'), f.wantText())
    const n = (...forms) => forms.reduce((sum, k) => sum + (f.forms[k] ?? 0), 0)
    rows.push([f.name, f.about.logger + (f.about.version ? ' ' + f.about.version : ''), n('json', 'otlp', 'logfmt', 'inspect', 'renamed', 'ruby', ''), n('json', 'otlp', 'logfmt'), n('inspect', 'renamed', 'ruby'), n('')])
  }
}
const total = rows.reduce((t, r) => t.map((x, i) => x + r[i + 2]), [0, 0, 0, 0])
const table = ['| file | written by | errors | as JSON, OTLP or logfmt | other spelling | lost |', '|---|---|---|---|---|---|', ...[...rows, ['**all**', '', ...total]].map((r) => `| ${r.join(' | ')} |`)].join('\n')
if (process.argv[2]) console.log(table)
else {
  const doc = path.join(here, '../../docs/evidence.md')
  const text = fs.readFileSync(doc, 'utf8')
  fs.writeFileSync(doc, text.replace(/(<!-- table -->\n)[\s\S]*?(\n<!-- end -->)/, (_, a, b) => a + table + b))
}
process.exit()
