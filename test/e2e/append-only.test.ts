import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { Secret } from '../../src/base/secret.ts'
import { createRepository, openRestBackend, parseRestAddress } from '../../src/repository/index.ts'
import { openRestServer, REST_LOGIN } from '../../src/repository/testing/servers.ts'
import { type Finished, phonekeep, startPhonekeep, surroundings } from '../testing/phonekeep.ts'
import { openWorld, PASSWORD } from '../testing/world.ts'

// rclone with --append-only, as restic's own server, lets nothing be removed but locks.
const server = await openRestServer('--append-only')
after(() => server[Symbol.asyncDispose]())
const world = await openWorld({ files: 60, bytes: 1_000_000 })
after(() => world[Symbol.asyncDispose]())

const env = {
  ...surroundings(world),
  PHONEKEEP_CACHE: join(world.folder, 'cache'),
  RESTIC_REST_USERNAME: REST_LOGIN.username,
  RESTIC_REST_PASSWORD: REST_LOGIN.password.reveal(),
  RESTIC_REPOSITORY: `rest:${server.origin}/`,
}

before(async () => {
  const backend = openRestBackend(parseRestAddress(`${server.origin}/`), { login: REST_LOGIN, clock: systemClock })
  const kdf = { N: 16, r: 8, p: 1 }
  await createRepository(backend, { password: new Secret(PASSWORD), clock: systemClock, signal: NEVER, kdf })
})

async function done(...args: readonly string[]): Promise<Finished> {
  const finished = await phonekeep(args, env)
  assert.equal(finished.exitCode, 0, `${finished.out}${finished.err}`)
  return finished
}

const storedIn = (folder: string) => readdir(join(server.folder, folder))

test('a store that removes nothing is backed up to twice, checked and copied from without a complaint', async () => {
  await done('backup')
  world.virtual.contents.change({ seed: 2, rewrite: 20 })
  const { err } = await done('backup')
  assert.doesNotMatch(err, /Warning/)
  assert.match((await done('check', '--read-data')).out, /No damage found/)
  assert.equal((await storedIn('snapshots')).length, 2)
  const from = { RESTIC_FROM_REPOSITORY: env.RESTIC_REPOSITORY, RESTIC_FROM_PASSWORD: PASSWORD }
  const copied = await phonekeep(['copy'], { ...env, ...from, RESTIC_REPOSITORY: world.repositoryFolder })
  assert.match(copied.out, /2 snapshots copied/, copied.err)
  assert.equal(copied.exitCode, 0)
})

test('a run that is killed there leaves a lock, which the next one removes, and no snapshot beside', async () => {
  world.virtual.contents.change({ seed: 3, rewrite: 40 })
  const before = (await storedIn('snapshots')).length
  const { child, finished } = startPhonekeep(['backup'], env)
  let files = 0
  world.virtual.agent.afterRead = () => {
    files += 1
    if (files === 20) child.kill('SIGKILL')
  }
  assert.equal((await finished).signal, 'SIGKILL')
  assert.equal((await storedIn('locks')).length, 1)
  await done('backup')
  assert.deepEqual(await storedIn('locks'), [])
  assert.equal((await storedIn('snapshots')).length, before + 1)
})

for (const command of [
  ['forget', '--keep-last', '1'],
  ['forget', '--keep-last', '1', '--prune'],
] as const) {
  test(`\`${command.join(' ')}\` is refused there with what to do, and everything is as before`, async () => {
    const before = await storedIn('snapshots')
    const { exitCode, err } = await phonekeep(command, env)
    assert.equal(exitCode, 1)
    assert.match(err, /removes and replaces nothing.*use a key or a server that may delete.*repo\.append-only/s)
    assert.deepEqual(await storedIn('snapshots'), before)
    assert.deepEqual(await storedIn('locks'), [])
  })
}
