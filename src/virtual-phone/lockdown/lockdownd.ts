import type { Duplex } from 'node:stream'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { type PlistDict, textOf } from '../../plist/index.ts'
import { readRequests, writePlistFrame } from '../plist-frames.ts'
import { type Answer, type Asking, answerRequest, type LockdownPhone, type LockdownSession } from './requests.ts'
import { startTls } from './tls.ts'

/** Where lockdownd listens. */
export const LOCKDOWN_PORT = 62078

export interface LockdownOptions extends WaitOptions {
  /** `answerRequest` unless given: over the network some answers are others. */
  readonly answer?: (asking: Asking) => Answer | Promise<Answer>
}

/**
 * Serves one connection to lockdownd until the host goes away; a host that just closes, without StopSession or TLS's own
 * goodbye, is normal. After StopSession the connection stays in TLS: a host that wants plain text opens a new one.
 * Owns the stream. Abort or a malformed request: the stream is destroyed and the promise rejects.
 */
export async function serveLockdown(
  stream: Duplex,
  phone: LockdownPhone,
  { answer = answerRequest, signal }: LockdownOptions,
): Promise<void> {
  const plain = phone.openChannel(stream)
  try {
    const session = await serveRequests(plain, { phone, answer, session: undefined, signal })
    if (session === undefined) return await plain[Symbol.asyncDispose]()
    await using secure = phone.openChannel(await beginTls(plain.detach(), session, { phone, signal }))
    await serveRequests(secure, { phone, answer, session, signal })
  } catch (error) {
    stream.destroy()
    throw error
  }
}

async function beginTls(
  plain: Duplex,
  { pairing }: LockdownSession,
  { phone, signal }: Pick<Serving, 'phone' | 'signal'>,
): Promise<Duplex> {
  const { stream, certificate } = await startTls(plain, pairing, { signal })
  phone.onNews({ kind: 'session', hostId: pairing.hostId, certificate })
  return stream
}

interface Serving extends Required<LockdownOptions> {
  readonly phone: LockdownPhone
  readonly session: LockdownSession | undefined
}

/** Resolves with the session that a request began, or with undefined when the host has gone. */
async function serveRequests(
  channel: ByteChannel,
  { phone, answer, session, signal }: Serving,
): Promise<LockdownSession | undefined> {
  let current = session
  for await (const request of readRequests(channel, { signal })) {
    phone.onNews({ kind: 'request', request: describe(request) })
    const answered = await answer({ request, session: current, phone })
    await writePlistFrame(channel, replyOf(request, answered), { signal })
    if (answered.goodbye) return undefined
    if (answered.session === 'over') current = undefined
    else if (answered.session !== undefined) return answered.session
  }
  return undefined
}

const WORDS_LENGTH_MAX = 200

/** Name, and what it is about. */
function describe({ Request, Service, Domain, Key }: PlistDict): string {
  const words = [Request, Service, Domain, Key].map(textOf).filter((word) => word !== undefined)
  return words.join(' ').slice(0, WORDS_LENGTH_MAX)
}

/** Every answer echoes the request's name: libimobiledevice and pymobiledevice3 refuse one that does not. */
function replyOf(request: PlistDict, { keys, error }: Answer): PlistDict {
  return { ...keys, Request: textOf(request.Request) ?? '', ...(error !== undefined && { Error: error }) }
}
