import type { Duplex } from 'node:stream'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { dictOf, numberOf, type PlistDict, textOf } from '../../plist/index.ts'
import {
  type Answer,
  type Asking,
  answerRequest,
  type LockdownPhone,
  type LockdownSession,
} from '../lockdown/requests.ts'
import { certificateShown, startTls } from '../lockdown/tls.ts'
import { readRequests, writePlistFrame } from '../plist-frames.ts'

/** What lockdownd needs besides the phone, where it is reached over the network. */
export interface LockdownOverWifi {
  readonly phone: LockdownPhone
  /** A session has begun: the connection is this computer's. */
  readonly onHost: (hostId: string) => void
  /** Makes a port of StartService reachable over the network, and tells where. */
  readonly openPort: (port: number, hostId: string | undefined) => Promise<number>
}

/**
 * Serves one connection to lockdownd over the network until the host goes away: as over a cable, but for what
 * `answerOverWifi` says. Owns the stream; abort or a malformed request: it is destroyed and the promise rejects.
 */
export async function serveLockdownOverWifi(
  stream: Duplex,
  lockdown: LockdownOverWifi,
  { signal }: WaitOptions,
): Promise<void> {
  const plain = lockdown.phone.openChannel(stream)
  try {
    const session = await serveRequests(plain, { lockdown, session: undefined, signal })
    if (session === undefined) return await plain[Symbol.asyncDispose]()
    const tls = await beginTls(plain.detach(), { lockdown, session, signal })
    await using secure = lockdown.phone.openChannel(tls)
    await serveRequests(secure, { lockdown, session, signal })
  } catch (error) {
    stream.destroy()
    throw error
  }
}

async function beginTls(stream: Duplex, { lockdown, session, signal }: Serving & { session: LockdownSession }) {
  const { pairing } = session
  lockdown.onHost(pairing.hostId)
  const tls = await startTls(stream, pairing, { signal })
  const certificate = certificateShown(tls, pairing)
  if (certificate !== undefined) lockdown.phone.onNews({ kind: 'session', hostId: pairing.hostId, certificate })
  return tls
}

interface Serving extends WaitOptions {
  readonly lockdown: LockdownOverWifi
  readonly session: LockdownSession | undefined
}

/** Resolves with the session that a request began, or with undefined when the host has gone. */
async function serveRequests(
  channel: ByteChannel,
  { lockdown, session, signal }: Serving,
): Promise<LockdownSession | undefined> {
  let current = session
  for await (const request of readRequests(channel, { signal })) {
    const answer = answerOverWifi({ request, session: current, phone: lockdown.phone })
    const keys = await reachableKeys(answer, { lockdown, session: current })
    const error = answer.error !== undefined && { Error: answer.error }
    await writePlistFrame(channel, { ...keys, Request: textOf(request.Request) ?? '', ...error }, { signal })
    if (answer.goodbye) return undefined
    if (answer.session === 'over') current = undefined
    else if (answer.session !== undefined) return answer.session
  }
  return undefined
}

async function reachableKeys(
  { keys }: Answer,
  { lockdown, session }: Pick<Serving, 'lockdown' | 'session'>,
): Promise<PlistDict | undefined> {
  const port = numberOf(keys?.Port)
  return port === undefined ? keys : { ...keys, Port: await lockdown.openPort(port, session?.pairing.hostId) }
}

/** Values that a computer without a session gets over a cable only. */
const CABLE_ONLY_KEYS: ReadonlySet<string> = new Set(['BuildVersion', 'DeviceClass', 'DevicePublicKey'])

/**
 * Nobody pairs over the network, and a computer without a session learns less there than over a cable.
 * Source: docs/protocol/wifi.md#lockdownd
 */
export function answerOverWifi(asking: Asking): Answer {
  const { request, session } = asking
  if (request.Request === 'Pair') return { error: 'PairingProhibitedOverThisConnection' }
  const answer = answerRequest(asking)
  const isStrangers = session === undefined && request.Request === 'GetValue' && (textOf(request.Domain) ?? '') === ''
  if (!isStrangers) return answer
  const key = textOf(request.Key)
  if (key !== undefined) return CABLE_ONLY_KEYS.has(key) ? { error: 'GetProhibited' } : answer
  return { ...answer, keys: { ...answer.keys, Value: withoutCableOnly(dictOf(answer.keys?.Value) ?? {}) } }
}

function withoutCableOnly(values: PlistDict): PlistDict {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !CABLE_ONLY_KEYS.has(key)))
}
