import type { WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import type { AppError } from '../../base/errors.ts'
import { isAppError, isSystemError } from '../../base/errors.ts'
import { textOf } from '../../plist/index.ts'
import { notAnswering } from '../errors.ts'
import type { Dial } from '../lockdown/lockdown.ts'
import { getValue, openLockdown } from '../lockdown/lockdown.ts'
import { startSession } from '../lockdown/session.ts'
import type { PairRecordStore } from '../pairing/pair-records.ts'
import { pairRecordsOf } from '../pairing/pair-records.ts'
import type { Phone } from '../phone.ts'
import { withinTime } from '../time-limit.ts'
import { udidOf } from '../udid.ts'
import type { Advert } from './adverts.ts'
import { authKeyOf } from './auth-tag.ts'
import { dialWifi } from './dial.ts'
import type { PairedPhone } from './match.ts'
import { matchAdvert } from './match.ts'
import { watchAdverts } from './watch-adverts.ts'
import type { WifiAddress } from './wifi-address.ts'
import { formatWifiAddress } from './wifi-address.ts'
import type { WifiPlace } from './wifi-place.ts'

/** What passed for one of our phones and could not be used: a phone that is locked, one that forgot us, or an impostor. */
export interface RefusedPhone {
  readonly udid: string
  readonly address: WifiAddress
  readonly error: AppError
}

export interface FoundOnWifi {
  /** Each has proved with its key that it is the phone that was paired. */
  readonly phones: readonly Phone[]
  readonly refused: readonly RefusedPhone[]
  /** How many adverts are of phones that are not paired with this computer. */
  readonly ignored: number
  /** Why some could not be looked for: pair records that cannot be used, a network that cannot be listened to. */
  readonly problems: readonly AppError[]
}

export interface WifiLook extends WaitOptions {
  readonly place: WifiPlace
  readonly store: PairRecordStore
  readonly clock: Clock
  /** The phones to look for, of those that are paired. The look ends when all are found. */
  readonly isWanted: (udid: string) => boolean
}

/** A phone that is awake answers within a second; one that has to be woken, or a bad Wi-Fi, may take a few. */
const LOOK_MS = 4000
/** One phone may take so long to prove who it is. */
const PROOF_MS_MAX = 10_000
/** An advert may be answered for by so many addresses, a phone be claimed by so many adverts, and so many be asked who they are. */
const ADDRESSES_MAX = 3
const CLAIMS_MAX = 8
const STRANGERS_MAX = 16

/**
 * Looks for paired phones on Wi-Fi: where each answered last, and wherever an advert says that one is. A phone counts only
 * after it has shown, in TLS, the certificate that was made for it at pairing, so neither an advert nor an address is believed.
 * Takes up to some seconds, and no time at all when there is nobody to look for. Source: docs/protocol/wifi.md
 */
export async function findOnWifi(look: WifiLook): Promise<FoundOnWifi> {
  const { problems, paired } = await readPaired(look)
  const search = new Search(look, paired)
  return { ...(await search.run()), problems: [...problems, ...search.problems] }
}

/** Something that may be one of our phones. */
interface Candidate {
  readonly addresses: readonly WifiAddress[]
  /** Which of our phones it may be; none when it has to be asked. */
  readonly claims: readonly string[]
  /** The advert's name; undefined for an address where a phone was once, and where somebody else may be now. */
  readonly advert?: string
}

/** A phone to look for. */
interface Known extends PairedPhone {
  readonly lastAddress?: WifiAddress
}

class Search {
  readonly problems: AppError[] = []
  readonly #look: WifiLook
  readonly #paired: ReadonlyMap<string, Known>
  readonly #found = new Map<string, Phone>()
  readonly #refused: RefusedPhone[] = []
  readonly #ignored = new Set<string>()
  readonly #tried = new Set<string>()
  readonly #claims = new Map<string, number>()
  readonly #proofs: Promise<void>[] = []
  readonly #enough = new AbortController()
  readonly #signal: AbortSignal

  constructor(look: WifiLook, paired: ReadonlyMap<string, Known>) {
    this.#look = look
    this.#paired = paired
    this.#signal = AbortSignal.any([look.signal, this.#enough.signal])
  }

  async run(): Promise<Omit<FoundOnWifi, 'problems'>> {
    if (this.#missing().length > 0) {
      for (const { udid, lastAddress } of this.#missing()) {
        if (lastAddress !== undefined) this.#begin({ addresses: [lastAddress], claims: [udid] })
      }
      await this.#listen()
      await Promise.all(this.#proofs)
    }
    const refused = this.#refused.filter(({ udid, error }) => !this.#found.has(udid) || isImpostor(error))
    return { phones: [...this.#found.values()], refused, ignored: this.#ignored.size }
  }

  #missing(): readonly Known[] {
    const { isWanted } = this.#look
    return [...this.#paired.values()].filter(({ udid }) => isWanted(udid) && !this.#found.has(udid))
  }

  async #listen(): Promise<void> {
    const { place, clock, signal } = this.#look
    try {
      for await (const event of watchAdverts(place, { ms: LOOK_MS, clock, signal: this.#signal })) {
        if (event.kind === 'here') this.#takeAdvert(event.advert)
        else if (event.kind === 'problem') this.problems.push(event.problem)
      }
    } catch (error) {
      signal.throwIfAborted()
      if (!this.#enough.signal.aborted) throw error
    }
  }

  #takeAdvert(advert: Advert): void {
    const match = matchAdvert(advert, [...this.#paired.values()])
    if (match.kind === 'stranger') this.#ignored.add(advert.name)
    else {
      const addresses = advert.addresses.map((host) => ({ host, port: advert.port }))
      this.#consider({ addresses, claims: match.kind === 'claims' ? match.udids : [], advert: advert.name })
    }
  }

  /** Has an advert's phone prove itself, unless that was tried before, or too often. */
  #consider(candidate: Candidate): void {
    const { claims, addresses } = candidate
    const untried = addresses.filter((address) => !this.#tried.has(formatWifiAddress(address))).slice(0, ADDRESSES_MAX)
    const isOpen = claims.length === 0 || this.#missing().some(({ udid }) => claims.includes(udid))
    if (untried.length === 0 || !isOpen || !this.#mayTry(claims)) return
    for (const address of untried) this.#tried.add(formatWifiAddress(address))
    this.#begin({ ...candidate, addresses: untried })
  }

  /** Goes on beside everything else, until it is done or enough is found. */
  #begin(candidate: Candidate): void {
    const proof = this.#prove(candidate).catch((error: unknown) => {
      if (this.#enough.signal.aborted) return
      this.#enough.abort()
      throw error
    })
    proof.catch(() => undefined)
    this.#proofs.push(proof)
  }

  #mayTry(claims: readonly string[]): boolean {
    const key = claims[0] ?? ''
    const before = this.#claims.get(key) ?? 0
    this.#claims.set(key, before + 1)
    return before < (key === '' ? STRANGERS_MAX : CLAIMS_MAX)
  }

  /** Tries the addresses until somebody answers at one of them. */
  async #prove(candidate: Candidate): Promise<void> {
    let failure: Omit<RefusedPhone, 'udid'> | undefined
    for (const address of candidate.addresses) {
      try {
        return await this.#proveAt(address, candidate)
      } catch (error) {
        this.#signal.throwIfAborted()
        if (!isAppError(error)) throw error
        failure = { address, error }
        if (error.code !== 'device.gone') break
      }
    }
    const [udid] = candidate.claims
    if (udid === undefined) this.#ignore(candidate)
    else if (candidate.advert !== undefined && failure !== undefined) this.#refused.push({ udid, ...failure })
  }

  async #proveAt(address: WifiAddress, candidate: Candidate): Promise<void> {
    const { clock } = this.#look
    const late = () => notAnswering('The phone', PROOF_MS_MAX / 1000)
    const dial = dialWifi(address, clock)
    await withinTime({ ms: PROOF_MS_MAX, clock, late, signal: this.#signal }, async (signal) => {
      const udids = await this.#whoIsIt(dial, candidate, { signal })
      if (udids.length === 0) this.#ignore(candidate)
      for (const udid of udids) await this.#proveAs(udid, address, dial, { signal })
    })
  }

  async #whoIsIt(dial: Dial, { claims, advert }: Candidate, { signal }: WaitOptions): Promise<readonly string[]> {
    if (advert !== undefined && claims.length === 1) return claims
    const said = await readUdid(dial, { clock: this.#look.clock, signal })
    if (said !== undefined && this.#paired.has(said)) return [said]
    return advert === undefined ? [] : claims
  }

  async #proveAs(udid: string, address: WifiAddress, dial: Dial, { signal }: WaitOptions): Promise<void> {
    const { clock, store, isWanted } = this.#look
    const known = this.#paired.get(udid)
    if (known === undefined || !isWanted(udid) || this.#found.has(udid)) return
    try {
      await using _session = await startSession(dial, known.record, { clock, signal })
    } catch (error) {
      signal.throwIfAborted()
      if (!isAppError(error) || error.code === 'device.gone') throw error
      this.#refused.push({ udid, address, error })
      return
    }
    this.#found.set(udid, { udid, transport: 'wifi', dial, pairRecords: pairRecordsOf({ store }), clock })
    await keepAddress(store, known, address)
    if (this.#missing().length === 0) this.#enough.abort()
  }

  #ignore({ advert }: Candidate): void {
    if (advert !== undefined) this.#ignored.add(advert)
  }
}

/** One that answers in the phone's place is worth knowing of even when the phone itself was found. */
function isImpostor(error: AppError): boolean {
  return error.code === 'device.wrong-certificate'
}

async function readPaired({ store }: WifiLook) {
  const paired = new Map<string, Known>()
  const problems: AppError[] = []
  for (const udid of await store.list()) {
    try {
      const record = await store.read(udid)
      const lastAddress = await store.readAddress(udid)
      if (record === undefined) continue
      const authKey = authKeyOf(record.hostId)
      paired.set(udid, { udid, record, authKey, ...(lastAddress !== undefined && { lastAddress }) })
    } catch (error) {
      if (!isAppError(error)) throw error
      problems.push(error)
    }
  }
  return { paired, problems }
}

/** Who a phone says that it is, to anybody who asks. */
async function readUdid(
  dial: Dial,
  { clock, signal }: WaitOptions & { readonly clock: Clock },
): Promise<string | undefined> {
  await using lockdown = await openLockdown(dial, { clock, signal })
  return udidOf(textOf(await getValue(lockdown, { key: 'UniqueDeviceID' }, { signal })))
}

/** An address that cannot be kept will have to be learnt again, and that is all. */
async function keepAddress(store: PairRecordStore, known: Known, address: WifiAddress): Promise<void> {
  const { udid, lastAddress } = known
  if (lastAddress !== undefined && formatWifiAddress(lastAddress) === formatWifiAddress(address)) return
  try {
    await store.saveAddress(udid, address)
  } catch (error) {
    if (!isSystemError(error)) throw error
  }
}
