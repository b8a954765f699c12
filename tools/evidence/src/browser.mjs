// A browser for the SDK: jsdom's window, spread over Node's globals so that the objects the SDK makes are of the same
// realm as the loggers that write them, as in a page, in Electron or on a Node server.
import { createRequire } from 'node:module'
import { JSDOM } from 'jsdom'
import { realTimeout } from './still.mjs'

const require = createRequire(import.meta.url)
// patience is how long a REST call may wait, in ms: long, as the machine may be busy, but in the step that tests it.
export const patience = { ms: 20000 }

export function openBrowser(port) {
  const dom = new JSDOM('<!doctype html><title>chat</title>', { url: `http://127.0.0.1:${port}/`, userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36' })
  const w = dom.window
  class XHR extends w.XMLHttpRequest {
    set timeout(ms) { super.timeout = Math.min(ms, patience.ms) }
    get timeout() { return super.timeout }
  }
  for (const [k, v] of Object.entries({ window: w, self: w, document: w.document, localStorage: w.localStorage, location: w.location, navigator: w.navigator, XMLHttpRequest: XHR, WebSocket: w.WebSocket, FileReader: w.FileReader, Blob: w.Blob, File: w.File, FormData: w.FormData })) {
    Object.defineProperty(globalThis, k, { value: v, configurable: true, writable: true })
  }
  globalThis.setTimeout = (f, ms, ...a) => realTimeout(f, ms >= 1000 ? ms / 10 : ms, ...a)
  return { dom, load: (name) => { const m = require(name); return m.default ?? m } }
}
