import type { Duplex } from 'node:stream'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { type PlistDict, textOf } from '../../plist/index.ts'
import { readPlistFrame, writePlistFrame } from '../plist-frames.ts'
import { type Answer, answerRequest, type LockdownPhone, type LockdownSession } from './requests.ts'
import { certificateShown, startTls } from './tls.ts'

/** Where lockdownd listens. */
export const LOCKDOWN_PORT = 62078

/**
 * Serves one connection to lockdownd until the host goes away; a host that just closes, without StopSession or TLS's own
 * goodbye, is normal. After StopSession the connection stays in TLS: a host that wants plain text opens a new one.
 * Owns the stream. Abort or a malformed request: the stream is destroyed and the promise rejects.
 */
export async function serveLockdown(stream: Duplex, phone: LockdownPhone, { signal }: WaitOptions): Promise<void> {
  const plain = phone.openChannel(stream)
  try {
    const session = await serveRequests(plain, { phone, session: undefined, signal })
    if (session === undefined) return await plain[Symbol.asyncDispose]()
    await using secure = phone.openChannel(await beginTls(plain.detach(), { phone, session, signal }))
    await serveRequests(secure, { phone, session, signal })
  } catch (error) {
    stream.destroy()
    throw error
  }
}

async function beginTls(stream: Duplex, { phone, session, signal }: Serving & { session: LockdownSession }) {
  const { pairing } = session
  const tls = await startTls(stream, pairing, { signal })
  const certificate = certificateShown(tls, pairing)
  if (certificate !== undefined) phone.onNews({ kind: 'session', hostId: pairing.hostId, certificate })
  return tls
}

interface Serving extends WaitOptions {
  readonly phone: LockdownPhone
  readonly session: LockdownSession | undefined
}

/** Resolves with the session that a request began, or with undefined when the host has gone. */
async function serveRequests(
  channel: ByteChannel,
  { phone, session, signal }: Serving,
): Promise<LockdownSession | undefined> {
  let current = session
  for (;;) {
    const request = await readPlistFrame(channel, { signal })
    if (request === undefined) return undefined
    const answer = answerRequest({ request, session: current, phone })
    await writePlistFrame(channel, replyOf(request, answer), { signal })
    if (answer.goodbye) return undefined
    if (answer.session === 'over') current = undefined
    else if (answer.session !== undefined) return answer.session
  }
}

/** Every answer echoes the request's name: libimobiledevice and pymobiledevice3 refuse one that does not. */
function replyOf(request: PlistDict, { keys, error }: Answer): PlistDict {
  return { ...keys, Request: textOf(request.Request) ?? '', ...(error !== undefined && { Error: error }) }
}
