import { accessDenied, appendOnly, badAddress, serverFull, serverRefused } from './errors.ts'
import type { HttpReply } from './exchange.ts'
import type { Doing } from './http-backend.ts'
import { TryAgain } from './persist.ts'

/** What was asked of whom. `nowMs` is the time, for answers that name one. */
export interface Refused {
  readonly location: string
  readonly doing: Doing
  readonly nowMs: number
}

/** 408 and 429 and the fives pass, but for 501 (it cannot do that) and 507 (it is full). */
const PASSING = new Set([408, 425, 429])
const FULL = new Set([413, 507])

/** What a status means that nobody expected, to every server alike. */
export function refusalOf({ status, headers }: HttpReply, { location, doing, nowMs }: Refused): Error {
  if (FULL.has(status)) return serverFull(location)
  if (PASSING.has(status) || (status >= 500 && status !== 501)) {
    const waitMs = retryAfterMs(headers.get('retry-after'), nowMs)
    return new TryAgain(`the server answered ${status}`, { waitMs })
  }
  if (status === 401) return accessDenied(location, 'does not accept the login (401)')
  if (doing === 'remove' && (status === 403 || status === 405)) return appendOnly(location)
  if (status === 403) return accessDenied(location, `does not let this login ${WORDS[doing]} (403)`)
  if (status >= 300 && status < 400) return badAddress(location, `the server sends elsewhere (${status})`)
  return serverRefused(location, `would not ${WORDS[doing]} (${status})`)
}

const WORDS: Readonly<Record<Doing, string>> = {
  measure: 'look for a file',
  load: 'read a file',
  save: 'write a file',
  remove: 'remove a file',
  prepare: 'make a repository',
  list: 'list files',
}

/** Seconds, or a date. Source: RFC 9110, 10.2.3. */
function retryAfterMs(text: string | null, nowMs: number): number {
  if (text === null) return 0
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isFinite(ms) ? Math.max(0, ms) : 0
}
