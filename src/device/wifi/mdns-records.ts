import { isIP } from 'node:net'

/** The service that phones offer on Wi-Fi. */
export const SERVICE = '_apple-mobdev2._tcp.local'

/** A record of an mDNS answer that matters here. Names are in lower case; a `ttlMs` of 0 takes the record back. */
export type MdnsRecord =
  | { readonly kind: 'offer'; readonly instance: string; readonly ttlMs: number }
  | {
      readonly kind: 'service'
      readonly instance: string
      readonly host: string
      readonly port: number
      readonly ttlMs: number
    }
  | { readonly kind: 'texts'; readonly instance: string; readonly texts: TextRecord; readonly ttlMs: number }
  | {
      readonly kind: 'address'
      readonly host: string
      readonly address: string
      /** The host has no other addresses than those in the same packet. */
      readonly replaces: boolean
      readonly ttlMs: number
    }

/** Keys in lower case; of a key that comes twice the first counts (RFC 6763 section 6.4). */
export type TextRecord = ReadonlyMap<string, Uint8Array>

/** What the DNS library makes of a record: nothing in it has been checked. */
export interface LooseRecord {
  readonly type: string
  readonly name: string
}

/** A phone's answer has about six records; the rest of a packet is not looked at. */
const RECORDS_MAX = 256
const TEXTS_MAX = 64
const TEXT_BYTES_MAX = 255

/** The records of one answer that tell of phones, offers first and addresses last; anything else is left out. */
export function parseRecords(records: readonly LooseRecord[]): readonly MdnsRecord[] {
  const parsed = records.slice(0, RECORDS_MAX).map(parseRecord)
  const order = ['offer', 'service', 'texts', 'address']
  return parsed
    .filter((record) => record !== undefined)
    .toSorted((left, right) => order.indexOf(left.kind) - order.indexOf(right.kind))
}

function parseRecord(record: LooseRecord): MdnsRecord | undefined {
  const { type, name: anyName, data, ttl, flush }: { [key: string]: unknown } = { ...record }
  const name = nameOf(anyName)
  const ttlMs = typeof ttl === 'number' && ttl >= 0 ? ttl * 1000 : undefined
  if (name === undefined || ttlMs === undefined) return undefined
  if (type === 'A' || type === 'AAAA') {
    if (typeof data !== 'string' || isIP(data) !== (type === 'A' ? 4 : 6) || data.includes('%')) return undefined
    return { kind: 'address', host: name, address: data, replaces: flush === true, ttlMs }
  }
  if (type === 'PTR' && name === SERVICE) {
    const instance = nameOf(data)
    return instance !== undefined && isInstance(instance) ? { kind: 'offer', instance, ttlMs } : undefined
  }
  if (!isInstance(name)) return undefined
  if (type === 'TXT') return { kind: 'texts', instance: name, texts: textsOf(data), ttlMs }
  return type === 'SRV' ? serviceOf(name, data, ttlMs) : undefined
}

function serviceOf(instance: string, data: unknown, ttlMs: number): MdnsRecord | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const { target, port }: { target?: unknown; port?: unknown } = data
  const host = nameOf(target)
  if (host === undefined || typeof port !== 'number' || port < 1 || port > 65_535) return undefined
  return { kind: 'service', instance, host, port, ttlMs }
}

function textsOf(data: unknown): TextRecord {
  const texts = new Map<string, Uint8Array>()
  const list: readonly unknown[] = Array.isArray(data) ? data.slice(0, TEXTS_MAX) : [data]
  for (const text of list) {
    if (!(text instanceof Uint8Array) || text.length > TEXT_BYTES_MAX) continue
    const equals = text.indexOf('='.charCodeAt(0))
    const key = Buffer.from(text.subarray(0, Math.max(0, equals)))
      .toString('latin1')
      .toLowerCase()
    // A copy: the library's is a window into the whole packet, which would stay in memory with it.
    if (key !== '' && !texts.has(key)) texts.set(key, Uint8Array.from(text.subarray(equals + 1)))
  }
  return texts
}

function isInstance(name: string): boolean {
  return name.endsWith(`.${SERVICE}`)
}

/** DNS names are at most 255 bytes long, and the same in either case. */
function nameOf(name: unknown): string | undefined {
  return typeof name === 'string' && name.length > 0 && name.length <= 255 ? name.toLowerCase() : undefined
}
