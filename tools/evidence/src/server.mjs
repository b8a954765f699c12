// A stand-in for the chat service on loopback: REST answers as told, and a WebSocket that speaks the chat protocol
// with the message definitions that the SDK itself carries (connection.root), so that none is copied here.
import http from 'node:http'
import { WebSocketServer } from 'ws'
import { tick } from './still.mjs'

const COMMAND = { SYNC: 0, UNREAD: 1, NOTICE: 2, PROVISION: 3, LOGOUT: 4 }
export const KICK = { removed: 1, elsewhere: 2, password: 3, device: 4 } // StatisticsBody.operation

export class Server {
  answers = []            // what the next REST calls get: {status, body, type, ms, hang, reset}
  login = { errorCode: 0 } // what the next login over the socket gets: a Status, or 'silence', or 'close'
  sends = []              // what the next sent messages get: a Status, or 'silence', or raw metas
  sockets = new Set()
  serial = 1389500000000
  root = null             // the SDK's own protobuf root

  async start() {
    this.http = http.createServer((req, res) => this.#rest(req, res))
    this.ws = new WebSocketServer({ server: this.http })
    this.ws.on('connection', (s) => this.#socket(s))
    await new Promise((ok) => this.http.listen(0, '127.0.0.1', ok))
    this.port = this.http.address().port
    return this
  }

  #rest(req, res) {
    req.resume()
    req.on('end', () => {
      const a = this.answers.shift() ?? { status: 200, body: { data: {}, entities: [] } }
      if (a.hang) return // the client gives up by itself
      if (a.reset) return req.socket.destroy()
      tick(a.ms ?? 37)
      res.writeHead(a.status, { 'content-type': a.type ?? 'application/json', 'access-control-allow-origin': '*' })
      res.end(typeof a.body === 'string' ? a.body : JSON.stringify(a.body))
    })
  }

  #type(name) { return this.root.lookup('easemob.pb.' + name) }

  #encode(command, name, value) {
    const T = this.#type(name), M = this.#type('MSync')
    return M.encode({ command, payload: T.encode(value).finish() }).finish()
  }

  #socket(s) {
    this.sockets.add(s)
    s.on('close', () => this.sockets.delete(s))
    s.on('message', (data) => {
      const m = this.#type('MSync').decode(new Uint8Array(data))
      if (m.command === COMMAND.PROVISION) return this.#provision(s, m)
      if (m.command === COMMAND.SYNC) return this.#sync(s, m)
    })
  }

  #provision(s, m) {
    if (this.login === 'silence') return
    if (this.login === 'close') return s.close()
    const p = this.#type('Provision').decode(m.payload)
    s.send(this.#encode(COMMAND.PROVISION, 'Provision', { resource: p.resource, status: this.login }))
  }

  #sync(s, m) {
    const up = this.#type('CommSyncUL').decode(m.payload)
    const id = up.meta?.id
    if (!id || up.meta.ns === 0) return // a pull of the queue, or statistics: nothing waits for an answer
    const status = this.sends.shift() ?? { errorCode: 0 }
    if (status === 'silence') return
    if (status === 'close') return s.terminate()
    s.send(this.#encode(COMMAND.SYNC, 'CommSyncDL', { metaId: id, serverId: this.#long(), timestamp: this.#long(), status }))
  }

  #long() { this.serial += 37; return { low: this.serial | 0, high: Math.floor(this.serial / 4294967296), unsigned: true } }

  // push sends every open socket a meta: ns 0 are statistics (kicks), 1 is a message.
  push(ns, payload) {
    for (const s of this.sockets) {
      s.send(this.#encode(COMMAND.SYNC, 'CommSyncDL', { metas: [{ id: this.#long(), ns, payload, from: { name: '' } }], queue: { name: 'im' }, isLast: true }))
    }
  }
  answerUnknown() {
    for (const s of this.sockets) s.send(this.#encode(COMMAND.SYNC, 'CommSyncDL', { metaId: this.#long(), serverId: this.#long(), timestamp: this.#long(), status: { errorCode: 1 + 4, reason: '' } }))
  }
  kick(operation, reason) { this.push(0, this.#type('StatisticsBody').encode({ operation, reason }).finish()) }
  drop() { for (const s of this.sockets) s.terminate() }
  stop() { this.drop(); this.http.closeAllConnections(); this.http.close() }
}
