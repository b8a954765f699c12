// A phone app's mini program runtime, as far as the SDK asks for one: requests, a socket, storage.
// A `wx` with canIUse and getSystemInfo is how the SDK recognises it.
import http from 'node:http'
import { createRequire } from 'node:module'
import { WebSocket as WS } from 'ws'
import { patience } from './browser.mjs'

const require = createRequire(import.meta.url)

export function openMiniProgram() {
  const store = new Map()
  globalThis.wx = {
    canIUse: () => true,
    getSystemInfo() {},
    getSystemInfoSync: () => ({ platform: 'ios', model: 'iPhone 16', SDKVersion: '3.6.2' }),
    getStorageSync: (k) => store.get(k) ?? '',
    setStorageSync: (k, v) => store.set(k, v),
    setStorage: ({ key, data, success }) => { store.set(key, data); success?.({ errMsg: 'setStorage:ok' }) },
    getStorage: ({ key, success }) => success?.({ data: store.get(key) ?? '', errMsg: 'getStorage:ok' }),
    onNetworkStatusChange() {},
    getNetworkType() {},
    onAppShow() {}, onAppHide() {},
    request({ url, method, header, data, success, fail }) {
      const sent = method === 'GET' ? '' : typeof data === 'string' ? data : JSON.stringify(data ?? {})
      const req = http.request(url, { method, headers: { ...header, 'content-length': Buffer.byteLength(sent) } }, (res) => {
        let text = ''
        res.setEncoding('utf8').on('data', (d) => (text += d)).on('end', () => {
          let body = text
          try { body = JSON.parse(text) } catch {}
          success({ data: body, header: { 'Content-Type': res.headers['content-type'], Server: 'openresty' }, statusCode: res.statusCode, cookies: [], errMsg: 'request:ok' })
        })
      })
      let done = false
      const lose = (errMsg, errno) => { if (!done) { done = true; fail({ errMsg, errno }) } }
      req.setTimeout(patience.ms, () => { lose('request:fail timeout', 5); req.destroy() })
      req.on('error', () => lose('request:fail errcode:-100 cronet_error_code:-100 error_msg:net::ERR_CONNECTION_CLOSED', 600001))
      req.end(sent)
    },
    connectSocket({ url }) {
      const s = new WS(url)
      s.binaryType = 'arraybuffer'
      const task = {
        get readyState() { return s.readyState },
        onOpen: (f) => s.on('open', () => f({ header: {} })),
        onMessage: (f) => s.on('message', (data) => f({ data })),
        onClose: (f) => s.on('close', (code) => f({ code, reason: '' })),
        onError: (f) => s.on('error', () => f({ errMsg: 'Failed to connect', errno: 600001 })),
        send: ({ data, fail }) => { if (s.readyState === 1) s.send(data); else fail?.({ errMsg: 'sendSocketMessage:fail' }) },
        close: () => s.close(),
      }
      s.on('error', () => {})
      return task
    },
  }
  const m = require('easemob-websdk/miniProgram/Easemob-chat')
  return m.default ?? m
}
