// One log file and what is to be found in it.
import { reseed, at } from './still.mjs'

const MAX_BYTES = 150 * 1024

// form tells how a reader of text could still see the number of the error; '' if nobody could. It looks for the number as
// the value of a key named type: json (also escaped in a string), otlp, logfmt, inspect (util.inspect, pretty printers),
// ruby (fluent-bit), renamed (error_type).
export function form(text, code) {
  const t = text.replace(/\\+/g, '').replace(/\x1b\[[\d;]*m/g, '')
  const has = (re) => new RegExp(re.replaceAll('CODE', `${code}(?![\\d.])`)).test(t)
  if (has('"key":"(?:error\\.)?type","value":\\{"(?:int|double|string)Value":"?CODE')) return 'otlp'
  if (has('"(?:[\\w.]*\\.)?type"\\s*:\\s*"?CODE')) return 'json'
  if (has('"_?error_type"\\s*:\\s*"?CODE')) return 'renamed'
  if (has('(?<![\\w])(?:error\\.)?type=CODE')) return 'logfmt'
  if (has('"type"=>CODE')) return 'ruby'
  if (has('(?<![\\w])type: CODE')) return 'inspect'
  return ''
}

// inner is the code one level down, the better diagnosis of a failed login; '' if none.
export const inner = (e) => (e?.data && typeof e.data === 'object' && typeof e.data.type === 'number' ? e.data.type : '')

// copy gives each logger its own object, of the same class, as some of them write into what they log.
export function copy(e) {
  const own = e && typeof e === 'object' && (e.constructor === Object || /^.{1,2}$/.test(e.constructor?.name)) // not an XHR, an Error, an array
  return own ? Object.assign(Object.create(Object.getPrototypeOf(e)), Object.fromEntries(Object.entries(e).map(([k, v]) => [k, copy(v)]))) : e
}

export class File {
  constructor(name, about) {
    this.name = name
    this.about = about // {logger, version, note}
    this.text = ''
    this.line = 1
    this.want = []
    this.forms = {} // how often each form was seen; '' is lost
    reseed(name)
  }

  // add appends a record: text as the logger wrote it, and the observations in it, in order. seen, if the record was
  // wrapped so that form cannot see through it, is the text to look in.
  add(text, obs = [], { seen = text } = {}) {
    if (!text) text = '\n'
    if (!text.endsWith('\n')) text += '\n'
    for (const o of obs) {
      const how = form(seen, o.code)
      this.want.push(`${this.line}\t${o.code}\t${how ? 'yes' : 'no'}\t${how}\t${inner(o.error)}`)
      this.forms[how] = (this.forms[how] ?? 0) + 1
    }
    this.text += text
    this.line += text.split('\n').length - 1
    return this
  }

  full() { return Buffer.byteLength(this.text) > MAX_BYTES * 0.93 }

  wantText() {
    const { logger, version, note = '' } = this.about
    return `# ${this.name}.log: ${logger}${version ? ' ' + version : ''}${note ? '. ' + note : ''}\n# line (first of the record)\tcode\tvisible (does the number survive)\tform\tinner (the code in data)\n` + this.want.map((w) => w + '\n').join('')
  }
}

// Sink catches what a logger writes.
export class Sink {
  text = ''
  write = (s, ...rest) => { this.text += s; rest.find((f) => typeof f === 'function')?.(); return true }
  take() { const t = this.text; this.text = ''; return t }
}

// caught runs f and returns what it wrote to the console.
export async function caught(f) {
  const s = new Sink(), out = process.stdout.write, err = process.stderr.write
  process.stdout.write = process.stderr.write = s.write
  try { await f() } finally { process.stdout.write = out; process.stderr.write = err }
  return s.take()
}

// weight is a number that depends on text alone.
export const weight = (text) => [...text].reduce((h, c) => Math.imul(h ^ c.codePointAt(0), 16777619), 2166136261) >>> 0

// pick takes n observations: the kicks first, each code once if there is room, then by the seed of the file. They are
// put in order of time, and the clock follows them.
export function pick(all, n, f = () => true) {
  const salt = Math.random() // the weight of an observation depends on nothing but itself and the file
  const pool = all.filter(f).map((o) => ({ ...o, error: copy(o.error), k: weight(`${salt} ${o.id}`) })).sort((a, b) => a.k - b.k)
  const kick = new Set([206, 207, 216, 217]), had = new Set(), first = [], rest = []
  for (const o of pool) (had.has(o.code) ? rest : first).push(o), had.add(o.code)
  first.sort((a, b) => kick.has(b.code) - kick.has(a.code))
  return [...first, ...rest].slice(0, n).sort((a, b) => a.time - b.time)
}
// clockAt sets the clock to the time of the observation, for loggers that ask it.
export const clockAt = (o) => at(o.time)
