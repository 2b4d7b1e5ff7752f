import type { Duplex } from 'node:stream'
import { type ByteChannel, openChannel, type WaitOptions } from '../../base/channel.ts'
import type { PlistDict } from '../../plist/index.ts'
import { Outbox } from '../outbox.ts'
import { type Outcome, performCommand, result } from './commands.ts'
import type { MuxHub } from './hub.ts'
import {
  encodeBinaryRefusal,
  encodeMuxMessage,
  encodeMuxResult,
  type MuxRequest,
  RESULT,
  readMuxRequest,
} from './messages.ts'

/** Events that wait for a slow listener; above it the listener is disconnected. */
const EVENTS_WAITING_MAX = 1000

/**
 * Serves one client of the mux server until it goes away. Several commands on one connection are allowed, also after a Connect
 * that failed; after one that succeeded the connection belongs to the phone. Owns the stream, and destroys it on any failure.
 */
export async function serveMuxClient(stream: Duplex, hub: MuxHub, { signal }: WaitOptions): Promise<void> {
  try {
    const channel = openChannel(stream)
    const connection = await serveCommands(channel, hub, { signal })
    if (connection === undefined) return await channel[Symbol.asyncDispose]()
    await connection.serve(channel.detach(), { signal: AbortSignal.any([signal, connection.signal]) })
  } catch (error) {
    stream.destroy()
    throw error
  }
}

type Connection = Extract<Outcome, { kind: 'connect' }>

/** Resolves with the connection that a command led to, or with undefined when the client has gone. */
async function serveCommands(
  channel: ByteChannel,
  hub: MuxHub,
  { signal }: WaitOptions,
): Promise<Connection | undefined> {
  using listening = new DisposableStack()
  const outbox = new Outbox(channel, { signal, framesMax: EVENTS_WAITING_MAX })
  let isListening = false
  for (;;) {
    const request = await readMuxRequest(channel, { signal: outbox.signal })
    if (request === undefined) return undefined
    const isRefused = isListening || request.isBinary
    const outcome = isRefused ? result(RESULT.badCommand) : performCommand(request.command, hub)
    outbox.post(encodeOutcome(outcome, request))
    if (outcome.kind === 'listen') {
      isListening = true
      const tell = (event: PlistDict) => outbox.post(encodeMuxMessage(event, { tag: 0 }))
      listening.defer(hub.listen({ ...outcome, tell }))
    }
    await outbox.flush()
    if (outcome.kind === 'connect') return outcome
  }
}

function encodeOutcome(outcome: Outcome, { tag, isBinary }: MuxRequest): Uint8Array {
  if (isBinary) return encodeBinaryRefusal({ tag })
  return outcome.kind === 'answer' ? encodeMuxMessage(outcome.answer, { tag }) : encodeMuxResult(RESULT.ok, { tag })
}
