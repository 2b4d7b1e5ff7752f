import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { ProxyCall } from './faulty-proxy.ts'

/** What a scripted server says to a call. */
export interface ScriptedAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface ScriptedServer extends AsyncDisposable {
  readonly origin: string
  /** `METHOD path` of each call. */
  readonly calls: readonly string[]
}

/** A server that answers as a test wants it to: 404 where it does not care. */
export async function openScriptedServer(
  answer: (call: ProxyCall) => ScriptedAnswer | undefined,
): Promise<ScriptedServer> {
  const calls: string[] = []
  const server = createServer(async (incoming, response) => {
    const { method = '', url: path = '', headers } = incoming
    calls.push(`${method} ${path}`)
    const { status = 200, ...rest } = answer({
      number: calls.length,
      method,
      path,
      headers,
      body: await buffer(incoming),
    }) ?? {
      status: 404,
    }
    response.writeHead(status, rest.headers).end(method === 'HEAD' ? '' : rest.body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    calls,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await server[Symbol.asyncDispose]()
    },
  }
}
