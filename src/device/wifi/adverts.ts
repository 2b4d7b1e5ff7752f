import type { Link } from './links.ts'
import { dialable, inOrder } from './links.ts'
import type { MdnsRecord, TextRecord } from './mdns-records.ts'
import { SERVICE } from './mdns-records.ts'

/**
 * What somebody on the network says of himself: that he is a phone, and where it answers. Anybody can say anything: an advert
 * is where to look, and never proof. Source: docs/protocol/wifi.md#the-advert
 */
export interface Advert {
  /** Unique among the adverts of a moment, and nothing more. */
  readonly name: string
  /** Before iOS 26.4 the phone's Wi-Fi address, or a private one that it made up for this network; in lower case. */
  readonly macAddress?: string
  readonly texts: TextRecord
  /** Best first, each fit to be dialled; at least one. */
  readonly addresses: readonly string[]
  readonly port: number
}

/** A question that would complete an advert. */
export interface MdnsQuestion {
  readonly name: string
  readonly type: 'PTR' | 'SRV' | 'TXT' | 'A' | 'AAAA'
}

const ADVERTS_MAX = 1000
/** More phones than that are not behind one address, unless it is a relay's. */
const ADVERTS_PER_SENDER_MAX = 64
const ADDRESSES_MAX = 8
/** Phones say an hour and more, but answer each question anew: who is silent for longer than this has left. */
const LIFE_MS_MAX = 150_000
const QUESTIONS_MAX = 32

interface Lasting<Value> {
  readonly value: Value
  readonly untilMs: number
}

interface Entry {
  readonly name: string
  readonly sender: string
  offeredUntilMs: number
  service?: Lasting<{ readonly host: string; readonly port: number }>
  texts?: Lasting<TextRecord>
}

/** Who sent a packet, and on which network. */
export interface Sender {
  readonly address: string
  readonly link: Link
}

/**
 * Collects the records of many packets into adverts. Bounded whatever is sent: what is new when it is full is left out until
 * something has run out, so a flood can hide a phone that was not there before it, and nothing worse.
 */
export class Adverts {
  readonly #entries = new Map<string, Entry>()
  readonly #hosts = new Map<string, Map<string, number>>()

  /** Takes the records of one packet, in the order of `parseRecords`. Times are milliseconds of one clock throughout. */
  take(records: readonly MdnsRecord[], sender: Sender, nowMs: number): void {
    this.#forgetReplaced(records)
    for (const record of records) {
      const untilMs = nowMs + Math.min(record.ttlMs, LIFE_MS_MAX)
      if (record.kind === 'address') this.#takeAddress(record, sender.link, untilMs)
      else this.#takeEntry(record, sender.address, untilMs)
    }
  }

  /** Forgets what has run out, or was taken back. */
  expire(nowMs: number): void {
    for (const [name, { offeredUntilMs }] of this.#entries) if (offeredUntilMs <= nowMs) this.#entries.delete(name)
    const hosts = new Set(this.#entries.values().map(({ service }) => service?.value.host))
    for (const [host, addresses] of this.#hosts) {
      for (const [address, untilMs] of addresses) if (untilMs <= nowMs) addresses.delete(address)
      if (!hosts.has(host)) this.#hosts.delete(host)
    }
  }

  /** Every advert that says where its phone answers. */
  complete(nowMs: number): readonly Advert[] {
    return [...this.#entries.values()]
      .map((entry) => this.#advertOf(entry, nowMs))
      .filter((advert) => advert !== undefined)
  }

  /** What to ask for, beyond who is there, to complete the adverts; some of it when it is much. */
  missing(nowMs: number): readonly MdnsQuestion[] {
    const questions: MdnsQuestion[] = []
    for (const { name, service, texts } of this.#entries.values()) {
      if (questions.length >= QUESTIONS_MAX) break
      if (service === undefined || service.untilMs <= nowMs) questions.push({ name, type: 'SRV' })
      else if (!this.#hosts.get(service.value.host)?.size) {
        questions.push({ name: service.value.host, type: 'A' }, { name: service.value.host, type: 'AAAA' })
      }
      if (texts === undefined || texts.untilMs <= nowMs) questions.push({ name, type: 'TXT' })
    }
    return questions.slice(0, QUESTIONS_MAX)
  }

  /** When something runs out next; undefined when there is nothing. */
  nextEndMs(): number | undefined {
    const ends = [
      ...this.#entries.values().map(({ offeredUntilMs }) => offeredUntilMs),
      ...this.#hosts.values().flatMap((addresses) => addresses.values()),
    ]
    return ends.length === 0 ? undefined : ends.reduce((left, right) => Math.min(left, right))
  }

  #takeEntry(record: Exclude<MdnsRecord, { kind: 'address' }>, sender: string, untilMs: number): void {
    const known = this.#entries.get(record.instance)
    const entry = known ?? { name: record.instance, sender, offeredUntilMs: untilMs }
    if (record.kind === 'offer') {
      if (known === undefined && !this.#hasRoom(sender)) return
      entry.offeredUntilMs = untilMs
      this.#entries.set(record.instance, entry)
    } else if (known !== undefined) {
      if (record.kind === 'texts') entry.texts = { value: record.texts, untilMs }
      else this.#takeService(entry, record, untilMs)
    }
  }

  #takeService(entry: Entry, { host, port }: { readonly host: string; readonly port: number }, untilMs: number): void {
    const before = entry.service?.value.host
    if (before !== undefined && before !== host) this.#hosts.delete(before)
    entry.service = { value: { host, port }, untilMs }
    if (!this.#hosts.has(host)) this.#hosts.set(host, new Map())
  }

  #takeAddress(record: Extract<MdnsRecord, { kind: 'address' }>, link: Link, untilMs: number): void {
    const addresses = this.#hosts.get(record.host)
    const address = dialable(record.address, link)
    if (addresses === undefined || address === undefined) return
    if (addresses.has(address) || addresses.size < ADDRESSES_MAX) addresses.set(address, untilMs)
  }

  /** A record may replace those of its own kind: IPv4 addresses say nothing about IPv6 ones. */
  #forgetReplaced(records: readonly MdnsRecord[]): void {
    for (const record of records) {
      if (record.kind !== 'address' || !record.replaces) continue
      const addresses = this.#hosts.get(record.host)
      for (const known of addresses?.keys() ?? []) {
        if (known.includes(':') === record.address.includes(':')) addresses?.delete(known)
      }
    }
  }

  #hasRoom(sender: string): boolean {
    if (this.#entries.size >= ADVERTS_MAX) return false
    const fromSender = this.#entries.values().reduce((count, entry) => count + (entry.sender === sender ? 1 : 0), 0)
    return fromSender < ADVERTS_PER_SENDER_MAX
  }

  #advertOf({ name, service, texts }: Entry, nowMs: number): Advert | undefined {
    if (service === undefined || service.untilMs <= nowMs) return undefined
    const live = this.#hosts
      .get(service.value.host)
      ?.entries()
      .filter(([, untilMs]) => untilMs > nowMs)
    const addresses = inOrder([...(live ?? [])].map(([address]) => address))
    if (addresses.length === 0) return undefined
    const macAddress = macAddressOf(name)
    return {
      name,
      ...(macAddress !== undefined && { macAddress }),
      texts: texts !== undefined && texts.untilMs > nowMs ? texts.value : new Map(),
      addresses,
      port: service.value.port,
    }
  }
}

/** `aa:bb:cc:dd:ee:ff@fe80::1._apple-mobdev2._tcp.local`: what follows the `@` differs between versions of iOS. */
function macAddressOf(name: string): string | undefined {
  return /^((?:[0-9a-f]{2}:){5}[0-9a-f]{2})@/.exec(name.slice(0, -SERVICE.length))?.[1]
}
