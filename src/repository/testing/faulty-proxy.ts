import { once } from 'node:events'
import {
  createServer,
  request as forward,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** What may happen to a call on its way to a server and back. */
export const PROXY_FAULTS = [
  'reset',
  'lose-answer',
  'error-500',
  'slow-down',
  'cut-answer',
  'cut-upload',
  'wrong-checksum',
  'garble-upload',
  'stall',
  'stall-answer',
  'twice',
] as const
export type ProxyFault = (typeof PROXY_FAULTS)[number]

/** One call, as it came. */
export interface ProxyCall {
  /** Counted from 1. */
  readonly number: number
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Stands before a server, and does to each call what the plan says. */
export interface FaultyProxy extends AsyncDisposable {
  readonly origin: string
  readonly calls: number
  /** How many faults have happened. A test whose fault never fires proves nothing. */
  readonly fired: number
}

export interface ProxyOptions {
  readonly plan: (call: ProxyCall) => ProxyFault | undefined
  /** Nothing more will come for a call. */
  readonly onStall?: () => void
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export async function openFaultyProxy(
  target: string,
  { plan, onStall = () => {} }: ProxyOptions,
): Promise<FaultyProxy> {
  let calls = 0
  let fired = 0
  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const { method = 'GET', url: path = '/', headers } = incoming
    const call = { number: ++calls, method, path, headers, body: await buffer(incoming) }
    const fault = plan(call)
    const isApplicable = fault !== undefined && (!/upload/.test(fault) || call.body.length > 0)
    if (isApplicable) fired++
    await serveCall(isApplicable ? fault : undefined, call, { target, response, onStall })
  }
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    get calls() {
      return calls
    },
    get fired() {
      return fired
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await server[Symbol.asyncDispose]()
    },
  }
}

interface Serving {
  readonly target: string
  readonly response: ServerResponse
  readonly onStall: () => void
}

async function serveCall(fault: ProxyFault | undefined, call: ProxyCall, serving: Serving): Promise<void> {
  const { target, response, onStall } = serving
  switch (fault) {
    case 'reset':
      return reset(response)
    case 'error-500':
      return send(response, call, { status: 500, headers: {}, body: Buffer.from('it happens') })
    case 'slow-down':
      return send(response, call, SLOW_DOWN)
    case 'stall':
      return onStall()
    case 'cut-upload':
      await upload(target, call, { cutAt: call.body.length >> 1 })
      return reset(response)
    case 'garble-upload':
      return send(response, call, await upload(target, { ...call, body: garbled(call.body) }))
    case 'twice':
      await upload(target, call)
      return send(response, call, await upload(target, call))
  }
  const answer = await upload(target, call)
  switch (fault) {
    case 'lose-answer':
      return reset(response)
    case 'cut-answer':
      return sendHalf(response, answer, () => response.destroy())
    case 'stall-answer':
      return sendHalf(response, answer, onStall)
    case 'wrong-checksum':
      return send(response, call, { ...answer, headers: { ...answer.headers, ...WRONG } })
    default:
      return send(response, call, answer)
  }
}

const SLOW_DOWN: Answer = {
  status: 503,
  headers: { 'retry-after': '7' },
  body: Buffer.from('<Error><Code>SlowDown</Code></Error>'),
}

const WRONG = { etag: `"${'0'.repeat(32)}"`, 'x-amz-checksum-sha256': Buffer.alloc(32).toString('base64') }

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy()
}

function garbled(body: Buffer): Buffer {
  const copy = Buffer.from(body)
  copy[copy.length >> 1]! ^= 1
  return copy
}

/** Sends the call on; with `cutAt` the connection ends after that many bytes of its body, and there is no answer. */
async function upload(target: string, call: ProxyCall, { cutAt }: { cutAt?: number } = {}): Promise<Answer> {
  const { method, path, headers, body } = call
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const outgoing = forward(`${target}${path}`, { method, headers, agent: false }, (answer) => {
    buffer(answer).then(
      (answered) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answered }),
      reject,
    )
  })
  outgoing.on('error', reject)
  if (cutAt === undefined) outgoing.end(body)
  else outgoing.write(body.subarray(0, cutAt), () => outgoing.destroy(new Error('cut')))
  return await promise.catch((error: unknown) => {
    if (cutAt === undefined) throw error
    return { status: 0, headers: {}, body: Buffer.alloc(0) }
  })
}

function send(response: ServerResponse, { method }: ProxyCall, { status, headers, body }: Answer): void {
  const { 'transfer-encoding': _, ...plain } = headers
  const length = method === 'HEAD' ? {} : { 'content-length': String(body.length) }
  response.writeHead(status, { ...plain, ...length }).end(body)
}

/** The head says how long the answer is, and half of it follows; of one without a body, half of the head. */
function sendHalf(response: ServerResponse, { status, headers, body }: Answer, then: () => void): void {
  if (body.length === 0) response.socket?.write('HTTP/1.1 20', then)
  else
    response
      .writeHead(status, { ...headers, 'content-length': String(body.length) })
      .write(body.subarray(0, body.length >> 1), then)
}
