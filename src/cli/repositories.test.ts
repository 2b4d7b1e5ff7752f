import assert from 'node:assert/strict'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { NEVER } from '../base/abort.ts'
import { systemClock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import type { Context } from './context.ts'
import { readEnvironment } from './environment.ts'
import { openNamedBackend } from './repositories.ts'

const KEYS = { AWS_ACCESS_KEY_ID: 'hush-id', AWS_SECRET_ACCESS_KEY: 'hush-secret', AWS_SESSION_TOKEN: 'hush-token' }
const LOGIN = { RESTIC_REST_USERNAME: 'ana', RESTIC_REST_PASSWORD: 'hush-password' }

function contextWith(env: NodeJS.ProcessEnv): Context {
  const terminal = { out: () => {}, tell: () => {}, err: () => {}, isOutGone: false, draw: undefined, columns: 80 }
  return { environment: readEnvironment(env), terminal, clock: systemClock, signal: NEVER }
}

async function locationOf(repo: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const context = contextWith(env)
  const backend = await openNamedBackend({ repo }, context)
  assert.doesNotMatch(inspect({ backend, context }, { depth: 20, showHidden: true }), /hush/)
  return backend.location
}

test('a repository is named as restic names it', async () => {
  assert.equal(await locationOf('/srv/backup'), '/srv/backup')
  assert.equal(await locationOf('local:back:up'), 'back:up')
  const prefix = 's3:https://s3.amazonaws.com/bucket/a/b'
  assert.equal(await locationOf('s3:s3.amazonaws.com/bucket/a/b', KEYS), prefix)
  assert.equal(await locationOf('s3://s3.amazonaws.com/bucket//a/b/', KEYS), prefix)
  assert.equal(await locationOf('s3:https://s3.amazonaws.com/bucket/a/b', KEYS), prefix)
  assert.equal(await locationOf('s3:http://nas.local:9000/bucket', KEYS), 's3:http://nas.local:9000/bucket')
  assert.equal(await locationOf('rest:http://nas.local:8000/ana', LOGIN), 'rest:http://nas.local:8000/ana/')
  assert.equal(await locationOf('rest:https://ana:hush@nas.local:8000/'), 'rest:https://nas.local:8000/')
})

test('the option wins over the file, and the file over the name in the environment', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-repositories-'))
  const file = join(folder.path, 'repository')
  await writeFile(file, 'rest:http://ana:hush@from.file/\n')
  const context = contextWith({ RESTIC_REPOSITORY: '/from/environment', RESTIC_REPOSITORY_FILE: file })
  assert.equal((await openNamedBackend({}, context)).location, 'rest:http://from.file/')
  assert.equal((await openNamedBackend({ repo: '/from/option' }, context)).location, '/from/option')
})

const WRONG: readonly (readonly [repo: string, env: NodeJS.ProcessEnv, code: string, says: RegExp])[] = [
  ['', {}, 'cli.no-repository', /No repository/],
  ['sftp:ana:hush@host:/srv', {}, 'cli.no-repository', /"sftp:"/],
  ['s3:host/bucket', {}, 'cli.usage', /No access key/],
  ['s3:host/bucket', { AWS_ACCESS_KEY_ID: 'hush' }, 'cli.usage', /No access key/],
  ['s3:host/bucket', { ...KEYS, PHONEKEEP_S3_BUCKET_STYLE: 'odd' }, 'cli.usage', /PHONEKEEP_S3_BUCKET_STYLE/],
  ['s3:', KEYS, 'repo.bad-address', /no address/],
  ['s3:host', KEYS, 'repo.bad-address', /bucket is missing/],
  ['s3:host/b', KEYS, 'repo.bad-address', /no name of a bucket/],
  ['s3:host/bucket/%zz', KEYS, 'repo.bad-address', /stray %/],
  ['s3:host/bucket?x', KEYS, 'repo.bad-address', /no \?/],
  ['s3:https://ana:hush@host/bucket', KEYS, 'repo.bad-address', /do not belong in an address/],
  ['rest:/srv/backup', {}, 'repo.bad-address', /no address/],
  ['rest:ftp://ana:hush@host/', {}, 'repo.bad-address', /no address/],
  ['rest:http://ana:hush%zz@host/', {}, 'repo.bad-address', /stray %/],
  ['rest:http://ana:hush@host/#x', {}, 'repo.bad-address', /no \?/],
  ['rest:http://host/', { RESTIC_REST_PASSWORD: 'hush' }, 'cli.usage', /Half a login/],
]

for (const [repo, env, code, says] of WRONG) {
  test(`${JSON.stringify(repo.replace(/hush/, '…'))} is told as ${code}, without a secret`, async () => {
    await assert.rejects(locationOf(repo, env), (error) => {
      assert.ok(isAppError(error, code))
      assert.match(error.message, says)
      assert.doesNotMatch(inspect(error), /hush/)
      return true
    })
  })
}
