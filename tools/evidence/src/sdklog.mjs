// The SDK's own log: what its onLog callback gets, and the file that logger.download() saves.
import { File, weight } from './file.mjs'

export const codesOf = (args) => args.filter((a) => a && typeof a === 'object' && typeof a.type === 'number' && (a.type !== 0 || typeof a.message === 'string') && ['message', 'reason', 'xhr', 'data'].some((k) => k in a)).map((a) => ({ code: a.type, error: JSON.parse(JSON.stringify(a)) }))

export function sdklogs(plays) {
  const files = []
  for (const [name, sdk, p] of [['sdk-onlog', 'easemob-websdk', plays.web], ['sdk-onlog-agora', 'agora-chat', plays.agora], ['sdk-onlog-mini', 'easemob-websdk, mini program build', plays.mini]]) {
    const f = new File(name, { logger: `${sdk}: logger.onLog`, note: 'one call a line: {time, level, logs}; a number alone in logs is no error object and is not wanted' })
    for (const l of p.sdkLogs) {
      if (f.full()) break
      if (name !== 'sdk-onlog' && !l.codes.length && weight(l.json) % 6) continue
      f.add(l.json, l.codes)
    }
    files.push(f)
  }
  for (const [name, p] of [['sdklog-zh', plays.zh], ['sdklog-en', plays.en]]) {
    const f = new File(name, { logger: 'easemob-websdk: the file that logger.download() saves', note: 'locale ' + name.slice(-2) })
    for (const l of p.saved) {
      if (f.full()) break
      f.add(l.text, l.codes)
    }
    files.push(f)
  }
  return files
}
