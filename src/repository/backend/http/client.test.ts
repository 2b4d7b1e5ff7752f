import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer, type Server } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { isAppError } from '../../../base/errors.ts'
import { signal } from '../../testing/restic.ts'
import { openScriptedServer } from '../../testing/scripted-server.ts'
import { createSkippingClock } from '../../testing/skipping-clock.ts'
import { HttpClient } from './client.ts'
import { TryAgain } from './persist.ts'

const ANSWER = { replyBytesMax: 1000, signal }

function newClient(onTrouble?: (sentence: string) => void): HttpClient {
  return new HttpClient('rest:https://nas/', { clock: createSkippingClock(), onTrouble })
}

async function portOf(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

test('a certificate that nobody vouches for is told at once, before anything is sent', async () => {
  const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 -keyout - -out -'
  const { stdout } = await promisify(execFile)('openssl', args.split(' '))
  const key = /-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----/s.exec(stdout)?.[0]
  const cert = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/s.exec(stdout)?.[0]
  let calls = 0
  await using server = createServer({ key, cert }, () => calls++)
  const url = `https://127.0.0.1:${await portOf(server)}/`
  const asking = newClient().ask({ method: 'GET', url, headers: { authorization: 'secret' } }, ANSWER)
  await assert.rejects(asking, (error) => isAppError(error, 'repo.untrusted-server'))
  assert.equal(calls, 0)
})

test('a server without TLS is told from one that is not there', async () => {
  await using scripted = await openScriptedServer(() => ({}))
  const url = scripted.origin.replace('http:', 'https:')
  const asking = newClient().ask({ method: 'GET', url, headers: {} }, ANSWER)
  await assert.rejects(asking, (error) => isAppError(error, 'repo.bad-address'))

  const gone = createTcpServer()
  const port = await portOf(gone)
  await gone[Symbol.asyncDispose]()
  const request = { method: 'GET', url: `http://127.0.0.1:${port}/`, headers: {} } as const
  await assert.rejects(newClient().ask(request, ANSWER), (error) => {
    return error instanceof TryAgain && /ECONNREFUSED/.test(error.message)
  })
})

test('a redirect is an answer, and is not followed with the login', async () => {
  await using other = await openScriptedServer(() => ({}))
  await using scripted = await openScriptedServer(() => ({ status: 307, headers: { location: `${other.origin}/x` } }))
  const { status } = await newClient().ask({ method: 'GET', url: `${scripted.origin}/`, headers: {} }, ANSWER)
  assert.deepEqual([status, other.calls], [307, []])
})

test('a longer answer than was wanted is cut, and said to be', async () => {
  await using scripted = await openScriptedServer(() => ({ body: 'x'.repeat(100_000) }))
  const { body, isCut } = await newClient().ask({ method: 'GET', url: `${scripted.origin}/`, headers: {} }, ANSWER)
  assert.deepEqual([body.length, isCut], [1000, true])
})

test('at most five calls are under way at a time, and all come to their end', async () => {
  let underWay = 0
  let most = 0
  const held: (() => void)[] = []
  await using server = createTcpServer((socket) => {
    most = Math.max(most, ++underWay)
    socket.once('data', () => {
      held.push(() => {
        underWay--
        socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n')
      })
      if (held.length === 5) for (const answer of held.splice(0)) answer()
    })
  })
  const request = { method: 'GET', url: `http://127.0.0.1:${await portOf(server)}/`, headers: {} } as const
  const client = newClient()
  const replies = await Promise.all(Array.from({ length: 20 }, () => client.ask(request, ANSWER)))
  assert.deepEqual([replies.length, most], [20, 5])
})

test('lasting trouble is told with the place, and ends as an error with its reason', async () => {
  const told: string[] = []
  const asking = newClient((sentence) => void told.push(sentence)).persist(
    async () => {
      throw new TryAgain('the server answered 503')
    },
    { signal },
  )
  await assert.rejects(asking, (error) => isAppError(error, 'repo.unreachable') && /503/.test(error.message))
  assert.deepEqual(told, ['rest:https://nas/: the server answered 503; trying again'])
})
