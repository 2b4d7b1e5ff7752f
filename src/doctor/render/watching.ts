import type { Condition, Logged, Message, MessageValue } from '../engine.ts'

/** What a watched phone tells, in a sentence. */
export function watchMessage(event: Logged['event']): Message {
  switch (event.kind) {
    case 'condition':
      return event.isRestoring ? watched('restoring') : conditionMessage(event.condition)
    case 'failed': {
      const { error } = event
      return error === undefined
        ? watched('failed-untold')
        : watched('failed', { domain: error.domain, code: String(error.code) })
    }
    case 'next-backup':
      return watched('next-backup', { when: { dateMs: event.atMs } })
    case 'already-backed-up':
      return watched('already-backed-up', { age: { spanMs: event.agoS * 1000 } })
    case 'failures':
      return watched('failures', { count: event.count })
    case 'lost':
      return watched(`lost.${event.what}`)
    default:
      return watched(event.kind)
  }
}

/** What keeps a backup from starting; a phone on cellular may do without Wi-Fi, and then says itself that all is well. */
function conditionMessage({ holds, enabled, locked, onPower, onWifi }: Condition): Message {
  if (holds) return watched('holds')
  const missing = [
    ...(enabled ? [] : ['enabled']),
    ...(locked ? [] : ['locked']),
    ...(onPower ? [] : ['power']),
    ...(onWifi ? [] : ['wifi']),
  ]
  if (missing.length === 0) return watched('other-condition')
  const list = missing.map((what) => ({ message: watched(`missing.${what}`) }))
  return watched('missing', { what: { list } })
}

function watched(what: string, values: Readonly<Record<string, MessageValue>> = {}): Message {
  return { key: `watch.${what}`, values }
}
