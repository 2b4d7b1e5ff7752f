import type { Answer, Question } from 'dns-packet'
import { utf8 } from '../../base/bytes.ts'

export const SERVICE_TYPE = '_apple-mobdev2._tcp.local'

/** What DNS-SD asks to learn which kinds of service there are. */
const SERVICE_LIST = '_services._dns-sd._udp.local'

/** Seconds that others may remember: addresses less long than names, as RFC 6762, section 10, has it. */
const HOST_TTL_S = 120
const SERVICE_TTL_S = 4_500

/** What a phone tells the network about itself. */
export interface Advert {
  /** One label, without the service type. */
  readonly instance: string
  /** One label, without `.local`. */
  readonly host: string
  /** IPv4. */
  readonly address: string
  /** lockdownd's. */
  readonly port: number
  /** `key=value` each. */
  readonly txt: readonly string[]
}

/** All records, the pointer from the service type first. Source: docs/protocol/wifi.md#the-advert */
export function recordsOf(advert: Advert): readonly Answer[] {
  const name = instanceName(advert)
  const target = `${advert.host}.local`
  return [
    { type: 'PTR', name: SERVICE_TYPE, ttl: SERVICE_TTL_S, data: name },
    { type: 'SRV', name, ttl: HOST_TTL_S, flush: true, data: { port: advert.port, target, priority: 0, weight: 0 } },
    { type: 'TXT', name, ttl: SERVICE_TTL_S, flush: true, data: advert.txt.map((text) => Buffer.from(utf8(text))) },
    { type: 'A', name: target, ttl: HOST_TTL_S, flush: true, data: advert.address },
  ]
}

export function instanceName({ instance }: Pick<Advert, 'instance'>): string {
  return `${instance}.${SERVICE_TYPE}`
}

/** The same records, to be forgotten by all who remember them. */
export function goodbyeOf(advert: Advert): readonly Answer[] {
  return recordsOf(advert).map((record) => ({ ...record, ttl: 0 }))
}

export interface Reply {
  readonly answers: Answer[]
  /** What whoever asked will want to know next. */
  readonly additionals: Answer[]
}

/** Undefined if none of the questions is for this phone. */
export function replyTo(questions: readonly Question[], advert: Advert): Reply | undefined {
  const records = recordsOf(advert)
  const isAsked = (record: Answer) => questions.some((question) => asksFor(question, record))
  const answers = [...records.filter(isAsked), ...[SERVICE_LIST_RECORD].filter(isAsked)]
  if (answers.length === 0) return undefined
  return { answers, additionals: records.filter((record) => !answers.includes(record)) }
}

const SERVICE_LIST_RECORD: Answer = { type: 'PTR', name: SERVICE_LIST, ttl: SERVICE_TTL_S, data: SERVICE_TYPE }

function asksFor({ name, type }: Question, record: Answer): boolean {
  const isType = type === record.type || String(type) === 'ANY'
  return isType && name.toLowerCase() === record.name.toLowerCase()
}
