import type { Duplex } from 'node:stream'
import { equalBytes } from '../../base/bytes.ts'
import type { ByteChannel } from '../../base/channel.ts'
import { randomUuid } from '../../base/random.ts'
import { boolOf, bytesOf, dictOf, encodeXmlPlist, type PlistDict, textOf } from '../../plist/index.ts'
import { type Condition, isBeforeFirstUnlock } from '../condition/index.ts'
import { isPublic, isSettable, isSettableByAnyone, needsFirstUnlock } from './access.ts'
import type { Pairing, Pairings } from './pairings.ts'
import type { ServicePorts } from './ports.ts'
import type { LockdownValues } from './values.ts'

/** What lockdownd needs of the phone it runs on. */
export interface LockdownPhone {
  readonly values: LockdownValues
  readonly condition: Condition
  readonly pairings: Pairings
  readonly ports: ServicePorts<StartedService>
  /** Service name to whether it can be started only in a session. */
  readonly services: ReadonlyMap<string, { readonly needsSession: boolean }>
  /** From iOS 13 on services speak TLS too, with the pairing of the session that started them. */
  readonly servicesUseTls: boolean
  readonly openChannel: (stream: Duplex) => ByteChannel
  readonly onNews: (news: LockdownNews) => void
}

export type LockdownNews =
  /** In a few words: name, and what it is about. */
  | { readonly kind: 'request'; readonly request: string }
  | { readonly kind: 'trust-asked' | 'paired' | 'unpaired'; readonly hostId: string }
  /** TLS has begun, and the computer has shown this one of its certificates. */
  | { readonly kind: 'session'; readonly hostId: string; readonly certificate: 'host' | 'root' }

export interface StartedService {
  readonly name: string
  /** Set when the service's connection begins with TLS. */
  readonly tls: Pairing | undefined
}

/** One connection's state between two requests. */
export interface LockdownSession {
  readonly id: string
  readonly pairing: Pairing
}

export interface Asking {
  readonly request: PlistDict
  readonly session: LockdownSession | undefined
  readonly phone: LockdownPhone
}

/** What to say, besides echoing the request's name, and what happens to the session after that. */
export interface Answer {
  readonly keys?: PlistDict
  readonly error?: string
  /** A session to begin (with TLS, once the answer has left), or that it is over. */
  readonly session?: LockdownSession | 'over'
  readonly goodbye?: true
}

/** Answers one request. Source: docs/protocol/lockdown.md#requests and #errors */
export function answerRequest(asking: Asking): Answer {
  const name = textOf(asking.request.Request)
  if (name === undefined) return { error: 'MissingKey' }
  const handler = HANDLERS.get(name)
  return handler === undefined ? { error: 'InvalidRequest' } : handler(asking)
}

type Handler = (asking: Asking) => Answer

const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['QueryType', () => ({ keys: { Type: 'com.apple.mobile.lockdown' } })],
  ['GetValue', getValue],
  ['SetValue', setValue],
  ['RemoveValue', removeValue],
  ['Pair', pair],
  ['ValidatePair', validatePair],
  ['Unpair', unpair],
  ['StartSession', startSession],
  ['StopSession', stopSession],
  ['StartService', startService],
  ['Goodbye', () => ({ goodbye: true })],
])

function getValue({ request, session, phone }: Asking): Answer {
  const { domain, key, echo } = nameOf(request)
  if (key === undefined) return { keys: { ...echo, Value: readableValues({ domain, session, phone }) } }
  if (session === undefined && !isPublic(domain, key)) return { error: 'GetProhibited' }
  const value = phone.values.get(domain, key)
  return value === undefined ? { error: 'MissingValue' } : { keys: { ...echo, Value: value } }
}

function readableValues({ domain, session, phone }: { domain: string } & Omit<Asking, 'request'>): PlistDict {
  const values = phone.values.all(domain)
  if (session !== undefined) return values
  return Object.fromEntries(Object.entries(values).filter(([key]) => isPublic(domain, key)))
}

function setValue({ request, session, phone }: Asking): Answer {
  const { domain, key, echo } = nameOf(request)
  const value = request.Value
  if (key === undefined) return { error: 'MissingKey' }
  if (value === undefined) return { error: 'MissingValue' }
  if (session === undefined && !isSettableByAnyone(domain, key)) return { error: 'SetProhibited' }
  if (!isSettable(domain, key) || !fits({ domain, key, value }, phone)) return { error: 'SetProhibited' }
  phone.values.set(domain, key, value)
  return { keys: { ...echo, Value: value } }
}

/** Keeps a hostile host from filling the phone's memory with values of its own. */
const VALUES_MAX = 2000
const VALUE_BYTES_MAX = 16 * 1024

/** Is there room for a value, with its name? */
function fits(setting: PlistDict, { values }: LockdownPhone): boolean {
  return values.size < VALUES_MAX && encodeXmlPlist(setting).length <= VALUE_BYTES_MAX
}

function removeValue({ request, session, phone }: Asking): Answer {
  const { domain, key, echo } = nameOf(request)
  if (session === undefined) return { error: 'SessionInactive' }
  if (key === undefined) return { error: 'MissingKey' }
  if (!isSettable(domain, key)) return { error: 'RemoveProhibited' }
  if (!phone.values.has(domain, key)) return { error: 'MissingValue' }
  phone.values.remove(domain, key)
  return { keys: echo }
}

function nameOf(request: PlistDict): { domain: string; key: string | undefined; echo: PlistDict } {
  const domain = textOf(request.Domain) ?? ''
  const key = textOf(request.Key)
  return { domain, key, echo: { ...(domain !== '' && { Domain: domain }), ...(key !== undefined && { Key: key }) } }
}

function pair({ request, phone }: Asking): Answer {
  const answer = phone.condition.trustDialog.ask()
  if (answer === 'forbidden') return { error: 'MCProtected' }
  if (answer === 'locked') return { error: 'PasswordProtected' }
  if (answer === 'denied') return { error: 'UserDeniedPairing' }
  if (answer === 'pending') {
    phone.onNews({ kind: 'trust-asked', hostId: hostIdOf(request) })
    const isExtended = boolOf(dictOf(request.PairingOptions)?.ExtendedPairingErrors)
    return { error: isExtended ? 'PairingDialogResponsePending' : 'PasswordProtected' }
  }
  const pairing = phone.pairings.add(dictOf(request.PairRecord))
  if (typeof pairing === 'string') return { error: pairing }
  phone.onNews({ kind: 'paired', hostId: pairing.hostId })
  return { keys: { EscrowBag: pairing.escrowBag } }
}

function hostIdOf({ PairRecord }: PlistDict): string {
  return textOf(dictOf(PairRecord)?.HostID) ?? ''
}

function validatePair({ request, phone }: Asking): Answer {
  const error = phone.pairings.verify(dictOf(request.PairRecord))
  return error === undefined ? {} : { error }
}

function unpair({ request, phone }: Asking): Answer {
  const error = phone.pairings.remove(dictOf(request.PairRecord))
  if (error !== undefined) return { error }
  phone.onNews({ kind: 'unpaired', hostId: hostIdOf(request) })
  return {}
}

/** The request's SystemBUID is not compared: libimobiledevice sends the mux server's, not the pair record's. */
function startSession({ request, session, phone }: Asking): Answer {
  if (session !== undefined) return { error: 'SessionActive' }
  const hostId = textOf(request.HostID)
  if (hostId === undefined) return { error: 'MissingHostID' }
  const { state } = phone.condition
  if (isBeforeFirstUnlock(state) && !state.admitsBeforeFirstUnlock) return { error: 'PasswordProtected' }
  const pairing = phone.pairings.get(hostId)
  if (pairing === undefined) return { error: 'InvalidHostID' }
  const id = randomUuid()
  return { keys: { EnableSessionSSL: true, SessionID: id }, session: { id, pairing } }
}

function stopSession({ request, session }: Asking): Answer {
  if (session === undefined) return { error: 'SessionInactive' }
  const id = textOf(request.SessionID)
  if (id === undefined) return { error: 'MissingSessionID' }
  return id === session.id ? { session: 'over' } : { error: 'InvalidSessionID' }
}

function startService({ request, session, phone }: Asking): Answer {
  const name = textOf(request.Service)
  if (name === undefined) return { error: 'MissingService' }
  const service = phone.services.get(name)
  const error = whyNotStart({ request, session, phone, name, needsSession: service?.needsSession ?? true })
  if (error !== undefined) return { error }
  if (service === undefined) return { error: 'InvalidService' }
  const tls = phone.servicesUseTls ? session?.pairing : undefined
  const port = phone.ports.open({ name, tls })
  if (port === undefined) return { error: 'ServiceLimit' }
  return { keys: { Service: name, Port: port, ...(tls !== undefined && { EnableServiceSSL: true }) } }
}

type Starting = Asking & { readonly name: string; readonly needsSession: boolean }

function whyNotStart({ request, session, phone, name, needsSession }: Starting): string | undefined {
  if (session === undefined) return needsSession ? 'SessionInactive' : undefined
  const escrowBag = bytesOf(request.EscrowBag)
  if (isBeforeFirstUnlock(phone.condition.state) && needsFirstUnlock(name))
    return escrowBag === undefined ? 'PasswordProtected' : 'MissingValue'
  if (escrowBag === undefined || equalBytes(escrowBag, session.pairing.escrowBag)) return undefined
  return 'InvalidHostID'
}
