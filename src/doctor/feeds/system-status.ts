import type { AppleService, AppleServices } from '../engine.ts'
import { type Json, listOf, numberOf, objectOf, parseJson, textOf } from '../json.ts'
import { FeedFailure } from './fetch-document.ts'

const DAY_MS = 86_400_000

/** The services that a backup to iCloud needs, by Apple's English names. */
const SERVICES = {
  backup: 'iCloud Backup',
  account: 'iCloud Account & Sign In',
  storage: 'iCloud Storage Upgrades',
} as const

/**
 * Apple's System Status, which is JSON, or a call with JSON in it. A service that is not in it is unknown, never well. Throws
 * `FeedFailure`. Source: docs/protocol/doctor.md#system-status
 */
export function parseSystemStatus(text: string, nowMs: number): AppleServices {
  const services = listOf(objectOf(parseJson(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)))?.services)
  if (services === undefined) throw new FeedFailure('odd', 'no list of services')
  const light = (name: string) =>
    lightOf(
      services.map(objectOf).find((service) => service?.serviceName === name),
      nowMs,
    )
  return { backup: light(SERVICES.backup), account: light(SERVICES.account), storage: light(SERVICES.storage) }
}

function lightOf(service: Json | undefined, nowMs: number): AppleService {
  const events = listOf(service?.events)?.map(objectOf)
  if (events === undefined || events.includes(undefined)) return { light: 'unknown' }
  const times = events.map((event) => parseEvent(event ?? {}, nowMs))
  for (const light of ['outage', 'recently-fixed'] as const) {
    const found = times.filter((event) => event.light === light).map(({ startMs }) => startMs)
    if (found.length === 0) continue
    const known = found.filter((startMs) => startMs !== undefined)
    return known.length === 0 ? { light } : { light, sinceMs: Math.min(...known) }
  }
  return { light: 'ok' }
}

/** What is planned has not begun; what ended within a day is worth a word. */
function parseEvent(event: Json, nowMs: number) {
  const startMs = numberOf(event.epochStartDate)
  const endMs = numberOf(event.epochEndDate)
  const status = textOf(event.eventStatus)
  const isOver = status === 'resolved' || status === 'completed' || (endMs !== undefined && endMs <= nowMs)
  if (!isOver) return { light: (startMs ?? 0) > nowMs ? ('ok' as const) : ('outage' as const), startMs }
  const isRecent = endMs !== undefined && nowMs - endMs < DAY_MS
  return { light: isRecent ? ('recently-fixed' as const) : ('ok' as const), startMs }
}
