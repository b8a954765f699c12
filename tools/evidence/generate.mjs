// Regenerates testdata/logs/real: plays the SDK against a stand-in server on loopback and lets real loggers write what
// it raises. See README.md.
import './src/still.mjs'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { stillIds } from './src/still.mjs'
import { Server } from './src/server.mjs'
import { openBrowser } from './src/browser.mjs'
import { openMiniProgram } from './src/miniprogram.mjs'
import { play } from './src/scenarios.mjs'
import * as loggers from './src/loggers.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const out = process.argv[2] ?? path.join(here, '../../testdata/logs/real')
const only = process.argv[3]

process.on('unhandledRejection', (e) => { console.error('unhandled:', e); process.exitCode = 1 })
const server = await new Server().start()
const browser = openBrowser(server.port)
const web = await play(browser.load('easemob-websdk'), server, 'easemob-websdk')
const agora = await play(browser.load('agora-chat'), server, 'agora-chat', { differs: { 'login: too many devices': 2 } })
const mini = await play(openMiniProgram(), server, 'miniprogram', { files: false, differs: { 'group is full': 704, 'already a member': null, 'not a member': 702, 'no such group': 705, 'no answer': 17, 'connection reset': 17 } })
delete globalThis.wx
server.stop()
stillIds()

const all = [...web.seen, ...agora.seen, ...mini.seen]
console.error(`${all.length} errors, ${new Set(all.map((o) => o.code)).size} codes`)

const scrub = (text) => text.replaceAll(`127.0.0.1:${server.port}`, 'a1.example.com').replaceAll('file://' + here, 'file:///srv/im').replaceAll(here, '/srv/im')
fs.mkdirSync(out, { recursive: true })
const sum = []
for (const [name, make] of Object.entries({ plain: loggers.plain, pinos: loggers.pinos, winstons: loggers.winstons, bunyans: loggers.bunyans, consoles: loggers.consoles, otel: loggers.otel, sentry: loggers.sentry, node: loggers.node, mini: loggers.mini })) {
  if (only && only !== name) continue
  for (const f of await make(all)) {
    fs.writeFileSync(path.join(out, f.name + '.log'), scrub(f.text))
    fs.writeFileSync(path.join(out, f.name + '.want.tsv'), f.wantText())
    sum.push([f.name, f.about.logger, f.about.version ?? '', f.errors, f.visible, Buffer.byteLength(f.text)])
  }
}
for (const r of sum) console.log(r.join('\t'))
process.exit()
