import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { openRestServer, openS3Server, REST_LOGIN, S3_KEY } from '../../src/repository/testing/servers.ts'
import { assertHolds, hashContents } from '../testing/backup-folder.ts'
import { phonekeep, surroundings } from '../testing/phonekeep.ts'
import { openWorld, PASSWORD } from '../testing/world.ts'

const s3 = await openS3Server()
const rest = await openRestServer()
after(() => s3[Symbol.asyncDispose]())
after(() => rest[Symbol.asyncDispose]())

interface Place {
  /** As our command line is told of it. */
  readonly env: Readonly<Record<string, string>>
  /** As restic is. */
  readonly resticName: string
  readonly resticEnv: Readonly<Record<string, string>>
  /** s3rver does not understand the signed chunks that restic uploads: its own repositories cannot be read there. */
  readonly resticWrites: boolean
  /** What nobody may ever read in an output. */
  readonly secrets: readonly string[]
}

const KEYS = { AWS_ACCESS_KEY_ID: S3_KEY, AWS_SECRET_ACCESS_KEY: S3_KEY }
const { username, password } = REST_LOGIN
const restHost = new URL(rest.origin).host
const login = `${username}:${encodeURIComponent(password.reveal())}`

const PLACES: Readonly<Record<string, Place>> = {
  'an S3 bucket': {
    env: { ...KEYS, RESTIC_REPOSITORY: `s3:${s3.origin}/phones/family/ana` },
    resticName: `s3:${s3.origin}/phones/family/ana`,
    resticEnv: KEYS,
    resticWrites: false,
    secrets: [S3_KEY],
  },
  'a REST server': {
    env: {
      RESTIC_REST_USERNAME: username,
      RESTIC_REST_PASSWORD: password.reveal(),
      RESTIC_REPOSITORY: `rest:${rest.origin}/ana`,
    },
    resticName: `rest:http://${login}@${restHost}/ana/`,
    resticEnv: {},
    resticWrites: true,
    secrets: [password.reveal(), encodeURIComponent(password.reveal())],
  },
}

async function restic(place: Place, ...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', RESTIC_PASSWORD: PASSWORD, ...place.resticEnv }
  const { stdout } = await promisify(execFile)('restic', ['-r', place.resticName, '--no-cache', '-q', ...args], { env })
  return stdout
}

for (const [name, place] of Object.entries(PLACES)) {
  test(`a phone is backed up twice onto ${name}, checked and restored, by us and by restic`, async () => {
    await using world = await openWorld({ files: 40, bytes: 2_000_000 })
    const cache = join(world.folder, 'cache')
    const env = { ...surroundings(world), PHONEKEEP_CACHE: cache, ...place.env }
    const run = async (...args: readonly string[]) => {
      const { exitCode, out, err } = await phonekeep(args, env)
      assert.equal(exitCode, 0, `${out}${err}`)
      for (const secret of place.secrets) assert.ok(!`${out}${err}`.includes(secret), 'a secret was printed')
      return out
    }
    await run('init')
    const first = JSON.parse(await run('backup', '--json'))
    world.virtual.contents.change({ seed: 2, add: 3, rewrite: 3, move: 2, remove: 2 })
    const contents = await hashContents(world.virtual.contents)
    const second = JSON.parse(await run('backup', '--json'))
    assert.ok(second.storedBytes < first.storedBytes / 2)

    assert.match(await run('check', '--read-data'), /No damage found/)
    assert.deepEqual((await readdir(join(cache, (await readdir(cache))[0]!))).sort(), ['data', 'index', 'snapshots'])
    const ours = join(world.folder, 'ours')
    await run('restore', 'latest', '--to', ours)
    await assertHolds(join(ours, world.virtual.udid), contents)

    await restic(place, 'check', '--read-data')
    const theirs = join(world.folder, 'theirs')
    await restic(place, 'restore', second.snapshot, '--target', theirs)
    await assertHolds(join(theirs, world.virtual.udid), contents)
    if (!place.resticWrites) return
    await restic(place, 'forget', first.snapshot, '--prune')
    assert.equal(JSON.parse(await run('snapshots', '--json')).length, 1)
    assert.match(await run('check', '--read-data'), /No damage found/)
  })
}

test('a login in the address of a REST server is used, and shown nowhere', async () => {
  const env = { RESTIC_REPOSITORY: `rest:http://${login}@${restHost}/deep/er/`, RESTIC_PASSWORD: PASSWORD }
  const { exitCode, out, err } = await phonekeep(['init', '--json'], env)
  assert.equal(exitCode, 0, err)
  assert.equal(JSON.parse(out).repository, `rest:${rest.origin}/deep/er/`)
})

const WRONG: readonly { name: string; env: Readonly<Record<string, string>>; exitCode: number; says: RegExp }[] = [
  {
    name: 'a key that the store does not know',
    env: {
      AWS_ACCESS_KEY_ID: 'stranger',
      AWS_SECRET_ACCESS_KEY: 'hush-hush',
      RESTIC_REPOSITORY: `s3:${s3.origin}/phones`,
    },
    exitCode: 1,
    says: /does not accept the access key \(InvalidAccessKeyId\).*repo\.access-denied/s,
  },
  {
    name: 'a bucket that is not there',
    env: { ...KEYS, RESTIC_REPOSITORY: `s3:${s3.origin}/nowhere` },
    exitCode: 10,
    says: /There is no restic repository in s3:http:\/\/127\.0\.0\.1:\d+\/nowhere/,
  },
  {
    name: 'a wrong login',
    env: { RESTIC_REPOSITORY: `rest:http://ana:hush-hush@${restHost}/ana/` },
    exitCode: 1,
    says: /rest:http:\/\/127\.0\.0\.1:\d+\/ana\/ does not accept the login.*repo\.access-denied/s,
  },
  {
    name: 'https where there is none',
    env: { RESTIC_REPOSITORY: `rest:https://ana:hush-hush@${restHost}/ana/` },
    exitCode: 1,
    says: /does not speak TLS/,
  },
]

for (const { name, env, exitCode, says } of WRONG) {
  test(`${name} is told in words, at once and without the secret`, async () => {
    const finished = await phonekeep(['snapshots'], { RESTIC_PASSWORD: PASSWORD, ...env })
    assert.match(finished.err, says)
    assert.doesNotMatch(finished.err, /hush-hush|S3RVER/)
    assert.equal(finished.exitCode, exitCode)
  })
}
