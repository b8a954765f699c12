// Everything that would differ from run to run is held still: the clock, chance, the host's name and the process's
// number. Import this before anything else. Only `Date` is replaced, no timer: sockets still work.
import os from 'node:os'
import crypto from 'node:crypto'
import { createRequire } from 'node:module'

process.env.TZ = 'Asia/Shanghai'

const RealDate = Date
export const realTimeout = globalThis.setTimeout // browser.mjs shortens the global one
let now = RealDate.UTC(2026, 10, 23, 1, 0, 4, 218) // 2026-11-23 09:00:04.218 +08:00

// tick moves the clock by ms milliseconds and returns the new time.
export const tick = (ms) => (now += ms)
// at sets the clock.
export const at = (ms) => (now = ms)
export const clock = () => now

globalThis.Date = class Date extends RealDate {
  constructor(...a) {
    if (a.length) super(...a)
    else super(now)
  }
  static now() { return now }
  toLocaleString(...a) { return super.toLocaleString(...(a.length ? a : [locale])) }
}
let locale = 'zh-CN'
export const speak = (l) => { locale = l }

// mulberry32, seeded.
let seed = 20261123
export const random = () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
// reseed is called before each file is written, so that one file's change does not ripple through the others.
export const reseed = (text) => { seed = [...text].reduce((h, c) => (Math.imul(h, 31) + c.codePointAt(0)) | 0, 20261123) }
Math.random = random

export const hex = (n) => Array.from({ length: n }, () => Math.floor(random() * 16).toString(16)).join('')
const fill = (buf) => { const b = new Uint8Array(buf.buffer, buf.byteOffset, buf.byteLength); for (let i = 0; i < b.length; i++) b[i] = Math.floor(random() * 256); return buf }
export const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`

// The loggers must not see a different id each time; the sockets (WebSocket keys, masks) may.
export function stillIds() {
  const require = createRequire(import.meta.url)
  const c = require('node:crypto')
  c.randomUUID = uuid
  globalThis.crypto.randomUUID = uuid
  globalThis.crypto.getRandomValues = fill
}

os.hostname = () => 'im-gw-6f7c9d5b8-x2lqn'
Object.defineProperty(process, 'pid', { value: 4187 })
