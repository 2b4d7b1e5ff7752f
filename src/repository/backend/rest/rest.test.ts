import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { systemClock } from '../../../base/clock.ts'
import { isAppError } from '../../../base/errors.ts'
import { sha256 } from '../../format/id.ts'
import { lockRepository } from '../../lock.ts'
import { backendConformance, SHOWS_NO_HALVES } from '../../testing/backend-conformance.ts'
import { backUp, openedAgain } from '../../testing/repositories.ts'
import { clock, restic, signal } from '../../testing/restic.ts'
import { openScriptedServer } from '../../testing/scripted-server.ts'
import { runBackup } from '../../testing/server-run.ts'
import { openRestServer, REST_LOGIN } from '../../testing/servers.ts'
import { createSkippingClock } from '../../testing/skipping-clock.ts'
import type { Backend, StoredName } from '../backend.ts'
import { parseRestAddress } from './address.ts'
import { parseRestListing } from './listing.ts'
import { openRestBackend } from './rest.ts'

const server = await openRestServer()
after(() => server[Symbol.asyncDispose]())
let repositories = 0

function openRest(place: string): Backend {
  return openRestBackend(parseRestAddress(place), {
    login: REST_LOGIN,
    clock: createSkippingClock(systemClock.nowMs()),
  })
}

// rclone shows what it has of an upload until it notices that no more comes.
backendConformance(
  'on a REST server',
  async () => ({
    backend: openRest(`${server.origin}/repository-${++repositories}`),
    [Symbol.asyncDispose]: async () => {},
  }),
  { without: SHOWS_NO_HALVES },
)

/** As restic 0.14 has to be told: with the login in the address. */
function resticName(origin: string): string {
  const { username, password } = REST_LOGIN
  return `rest:${origin.replace('//', `//${username}:${encodeURIComponent(password.reveal())}@`)}/`
}

const bytes = Buffer.from('0123456789')
const pack: StoredName = { kind: 'pack', id: sha256(bytes) }

test('restic checks what was stored, prunes it, and stores beside it', async () => {
  const place = `${server.origin}/restic-works`
  await runBackup(openRest(place))
  const name = resticName(place)
  assert.match(await restic(name, ['check', '--read-data']), /no errors were found/)
  await restic(name, ['backup', import.meta.filename])
  await restic(name, ['forget', '--keep-last', '1', '--prune'])
  assert.equal((await openedAgain(openRest(place))).index.blobCount > 0, true)
})

test('an append-only server takes backups and gives locks back, but removes and replaces nothing', async () => {
  await using appendOnly = await openRestServer('--append-only')
  const backend = openRest(appendOnly.origin)
  await runBackup(backend)
  assert.deepEqual(await Array.fromAsync(backend.list('lock', { signal })), [])
  const [index] = await Array.fromAsync(backend.list('index', { signal }))
  assert.ok(index)
  const removing = backend.remove({ kind: 'index', id: index.id }, { signal })
  await assert.rejects(removing, (error) => isAppError(error, 'repo.append-only'))
  const repository = await openedAgain(backend)
  const owner = { hostname: 'test-machine', username: 'phonekeep-test', pid: process.pid }
  await using _lock = await lockRepository(repository, { mode: 'shared', owner, clock, signal })
  await backUp(repository, { more: bytes })
})

test('only version 2 of the protocol is spoken', async () => {
  await using scripted = await openScriptedServer(() => ({
    headers: { 'content-type': 'application/vnd.x.restic.rest.v1' },
    body: '[]',
  }))
  const listing = Array.fromAsync(openRest(scripted.origin).list('pack', { signal }))
  await assert.rejects(listing, (error) => isAppError(error, 'repo.bad-address'))
})

test('a full server and a closed one are told at once', async () => {
  for (const [status, code] of [
    [507, 'repo.no-space'],
    [413, 'repo.no-space'],
    [401, 'repo.access-denied'],
    [403, 'repo.access-denied'],
    [302, 'repo.bad-address'],
    [418, 'repo.storage-failed'],
  ] as const) {
    await using scripted = await openScriptedServer(({ method }) => (method === 'POST' ? { status } : undefined))
    const saving = openRest(scripted.origin).save(pack, [bytes], { signal })
    await assert.rejects(saving, (error) => isAppError(error, code))
    assert.equal(scripted.calls.filter((call) => call.startsWith('POST')).length, 1)
  }
})

test('a listing is a list of names and sizes, or none', () => {
  const { id } = pack as { id: string }
  assert.deepEqual(
    parseRestListing(
      JSON.stringify([
        { name: id, size: 3, more: 1 },
        { name: 'readme', size: 1 },
      ]),
    ),
    [{ id, sizeBytes: 3 }],
  )
  for (const wrong of ['', '[', '{}', 'null', '[1]', '[null]', '[{"name":"x"}]', '[{"name":"x","size":-1}]']) {
    assert.equal(parseRestListing(wrong), undefined, wrong)
  }
})
