import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { loadAppleRoot, needsAppleRoot } from './apple-root.ts'
import { openDocumentCache } from './document-cache.ts'
import { readFeeds } from './feeds.ts'
import { FeedFailure } from './fetch-document.ts'

const signal = NEVER
const STATUS = JSON.stringify({ services: [{ serviceName: 'iCloud Backup', events: [] }] })
const UPDATES = JSON.stringify({
  PublicAssetSets: { iOS: [{ ProductVersion: '27.1', SupportedDevices: ['iPhone17,1'] }] },
})

/** A clock that can be put forward; sleeps take as long as ever. */
function shiftedClock(): Clock & { aheadMs: number } {
  return {
    ...systemClock,
    aheadMs: 0,
    nowMs() {
      return systemClock.nowMs() + this.aheadMs
    },
  }
}

/** A server in Apple's place, and feeds from it. */
async function openFeeds(serve: RequestListener) {
  await using opened = new AsyncDisposableStack()
  const { path: folder } = opened.use(await mkdtempDisposable(join(tmpdir(), 'phonekeep-feeds-')))
  const asked: string[] = []
  let answer = serve
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers['if-none-match'] ?? ''}`.trim())
    answer(request, response)
  }).listen(0, '127.0.0.1')
  opened.defer(() => void server.close())
  opened.defer(() => server.closeAllConnections())
  await once(server, 'listening')
  const address = server.address()
  const base = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const clock = shiftedClock()
  const addresses = { status: new URL(`${base}/status`), updates: new URL(`${base}/updates`) }
  const read = () => readFeeds({ addresses, cacheFolder: join(folder, 'feeds'), clock, signal })
  const rest = opened.move()
  return {
    asked,
    addresses,
    clock,
    read,
    serve: (next: RequestListener) => {
      answer = next
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

const good: RequestListener = (request, response) => {
  response.setHeader('etag', `"${request.url}"`)
  if (request.headers['if-none-match'] === `"${request.url}"`) return void response.writeHead(304).end()
  response.end(request.url === '/status' ? STATUS : UPDATES)
}
const offline: RequestListener = (request) => request.socket.destroy()
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

test('both documents are read, and the server tells the time', async () => {
  await using feeds = await openFeeds(good)
  const { readings, newestIos } = await feeds.read()
  const { services, ownClockAheadMs } = readings
  assert.equal(services?.kind === 'known' && services.value.backup.light, 'ok')
  assert.ok(ownClockAheadMs?.kind === 'known' && Math.abs(ownClockAheadMs.value) < MINUTE_MS)
  const newest = newestIos('iPhone17,1')
  assert.deepEqual(newest.kind === 'known' && newest.value, { version: '27.1', isLastForModel: false })
  assert.equal(newestIos('iPhone7,2').kind, 'absent')
})

test('a wrong clock of ours is seen', async () => {
  await using feeds = await openFeeds(good)
  feeds.clock.aheadMs = 3 * DAY_MS
  const { ownClockAheadMs } = (await feeds.read()).readings
  assert.ok(ownClockAheadMs?.kind === 'known' && Math.abs(ownClockAheadMs.value - 3 * DAY_MS) < MINUTE_MS)
})

test('nobody is asked again for five minutes, and then only whether anything is new', async () => {
  await using feeds = await openFeeds(good)
  await feeds.read()
  await feeds.read()
  assert.deepEqual(feeds.asked.toSorted(), ['/status', '/updates'])
  feeds.clock.aheadMs = 6 * MINUTE_MS
  const { services } = (await feeds.read()).readings
  assert.deepEqual(feeds.asked.slice(2), ['/status "/status"'])
  assert.equal(services?.kind === 'known' && services.value.backup.light, 'ok')
})

test('offline is unknown: an old state of the services says nothing, old releases still do', async () => {
  await using feeds = await openFeeds(good)
  await feeds.read()
  feeds.serve(offline)
  feeds.clock.aheadMs = DAY_MS
  const { readings, newestIos } = await feeds.read()
  assert.ok(readings.services?.kind === 'unread' && readings.services.why === 'offline')
  const newest = newestIos('iPhone17,1')
  assert.ok(newest.kind === 'known' && feeds.clock.nowMs() - newest.atMs >= DAY_MS)
})

test('a server that is not there is offline', async () => {
  const closed = await openFeeds(good)
  await closed[Symbol.asyncDispose]()
  const { readings, newestIos } = await closed.read()
  assert.deepEqual(readings.services, { kind: 'unread', why: 'offline', note: 'ECONNREFUSED' })
  assert.deepEqual(newestIos('iPhone17,1'), readings.services)
  assert.equal(readings.ownClockAheadMs?.kind, 'unread')
})

for (const [what, serve, why] of [
  ['garbage', (_request, response) => response.end('<html>Sign in to this network</html>'), 'odd'],
  ['an error', (_request, response) => response.writeHead(503).end(STATUS), 'odd'],
  ['the way to another place', (_request, response) => response.writeHead(302, { location: '/there' }).end(), 'odd'],
  ['half an answer', (_request, response) => halfAnswer(response), 'offline'],
  ['more than anybody wants', (_request, response) => endless(response), 'odd'],
] as const satisfies readonly (readonly [string, RequestListener, string])[]) {
  test(`${what} in place of a feed is unknown, and is not kept`, async () => {
    await using feeds = await openFeeds(serve)
    const { services } = (await feeds.read()).readings
    assert.ok(services?.kind === 'unread' && services.why === why, JSON.stringify(services))
    feeds.serve(good)
    assert.equal((await feeds.read()).readings.services?.kind, 'known')
  })
}

function halfAnswer(response: Parameters<RequestListener>[1]) {
  response.writeHead(200, { 'content-length': '1000' })
  response.write(STATUS)
  return response.socket?.end()
}

function endless(response: Parameters<RequestListener>[1]) {
  const block = Buffer.alloc(1 << 20, 'x')
  const more = (): void => {
    while (!response.destroyed && response.write(block));
  }
  response.on('drain', more)
  more()
}

test('a server that never answers is given up', async () => {
  await using feeds = await openFeeds(() => undefined)
  const asleep = feeds.clock.sleep
  feeds.clock.sleep = (_ms, options) => asleep(20, options)
  const { services } = (await feeds.read()).readings
  assert.ok(services?.kind === 'unread' && services.why !== 'odd', JSON.stringify(services))
})

test('feeds that are off are not asked for', async () => {
  const addresses = { status: undefined, updates: undefined }
  const { readings, newestIos } = await readFeeds({
    addresses,
    cacheFolder: '/nonexistent',
    clock: systemClock,
    signal,
  })
  assert.deepEqual(readings.services, { kind: 'unread', why: 'not-asked' })
  assert.deepEqual(newestIos('iPhone17,1'), readings.services)
})

test('only one server needs the root of Apple', async () => {
  assert.ok(needsAppleRoot(new URL('https://gdmf.apple.com/v2/pmv')))
  for (const other of ['http://gdmf.apple.com/', 'https://www.apple.com/', 'https://gdmf.apple.com.example.org/']) {
    assert.ok(!needsAppleRoot(new URL(other)))
  }
})

test('nothing else is taken for the root of Apple, wherever it comes from', async () => {
  await using feeds = await openFeeds((_request, response) => response.end('another certificate'))
  const options = { nowMs: 0, address: feeds.addresses.status, signal }
  const loading = loadAppleRoot(openDocumentCache('/nonexistent'), options)
  await assert.rejects(loading, (error) => error instanceof FeedFailure && error.why === 'odd')
})
