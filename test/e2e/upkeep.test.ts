import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtempDisposable, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { Secret } from '../../src/base/secret.ts'
import { createRepository, openLocalBackend } from '../../src/repository/index.ts'
import { phonekeep } from '../testing/phonekeep.ts'
import { restic } from '../testing/restic.ts'
import { PASSWORD } from '../testing/world.ts'

const folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-upkeep-'))
after(() => folder.remove())
const repository = join(folder.path, 'repository')
/** scrypt at a cost that nobody has to wait for. */
const CHEAP_KDF = { N: 16, r: 8, p: 1 }
const at = (path: string) => ({
  RESTIC_REPOSITORY: path,
  RESTIC_PASSWORD: PASSWORD,
  PHONEKEEP_STATE: join(folder.path, 'state'),
  TZ: 'UTC',
})

/** Runs a command on a repository and gives what it printed; it must end well. */
async function done(args: readonly string[], path = repository): Promise<string> {
  const { exitCode, out, err } = await phonekeep(args, at(path))
  assert.equal(exitCode, 0, err)
  return out
}

before(async () => {
  const password = new Secret(PASSWORD)
  await createRepository(openLocalBackend(repository), { password, clock: systemClock, signal: NEVER, kdf: CHEAP_KDF })
  for (let day = 1; day <= 3; day++) {
    const source = join(folder.path, 'source')
    await mkdir(source, { recursive: true })
    await writeFile(join(source, `day-${day}`), `what came on day ${day}`.repeat(1000 * day))
    await restic(repository, 'backup', '--host', 'iphone', '--time', `2025-03-0${day} 12:00:00`, source)
  }
  await rm(join(folder.path, 'source'), { recursive: true })
})

/** A backup by restic that waits for its input, and holds its lock meanwhile. */
async function startRestic(path: string): Promise<AsyncDisposable> {
  const child = spawn('restic', ['-r', path, '--no-cache', 'backup', '--stdin'], {
    env: { PATH: process.env.PATH, HOME: folder.path, RESTIC_PASSWORD: PASSWORD },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const exited = once(child, 'exit')
  while ((await readdir(join(path, 'locks'))).length === 0) await setImmediate()
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await exited
    },
  }
}

async function copyOfRepository(name: string): Promise<string> {
  const copy = join(folder.path, name)
  await cp(repository, copy, { recursive: true })
  return copy
}

interface Group {
  readonly keep: readonly object[]
  readonly remove: readonly object[] | null
  readonly reasons: readonly { readonly matches: readonly string[]; readonly counters: object }[]
}

const decisionsOf = ({ keep, remove, reasons }: Group) => {
  return [keep, remove ?? [], reasons.map(({ matches, counters }) => [matches, counters])]
}

test('forget says what restic says, and does it; the room is freed, and restic finds all well', async () => {
  const path = await copyOfRepository('forget')
  const rules = ['--keep-last', '1', '--keep-weekly', '3', '--keep-within-monthly', '2d', '--json']
  const theirs: readonly Group[] = JSON.parse(await restic(path, 'forget', '--dry-run', ...rules))
  const ours: readonly Group[] = JSON.parse(await done(['forget', '--dry-run', ...rules], path))
  assert.deepEqual(ours.map(decisionsOf), theirs.map(decisionsOf))
  const [groups, freed] = (await done(['forget', '--prune', '--max-unused', '0', ...rules], path)).trim().split('\n')
  assert.deepEqual(JSON.parse(groups ?? ''), ours)
  assert.ok(JSON.parse(freed ?? '').freedBytes > 0)
  await restic(path, 'check', '--read-data')
  assert.equal(JSON.parse(await restic(path, 'snapshots', '--json')).length, ours[0]?.keep.length)
})

test('what would leave a phone without a backup, or changes nothing, is said', async () => {
  const path = await copyOfRepository('refused')
  const env = at(path)
  const last = await phonekeep(['forget', '--keep-tag', 'nobody', '--host', 'iphone'], env)
  assert.deepEqual([last.exitCode, /repo\.forgets-last/.test(last.err)], [1, true])
  assert.match(await done(['forget'], path), /all of them stay/)
  assert.equal(JSON.parse(await restic(path, 'snapshots', '--json')).length, 3)
})

test('a copy opens with its own password, and is made once', async () => {
  const path = join(folder.path, 'copy')
  const env = { ...at(path), RESTIC_PASSWORD: 'another one', RESTIC_FROM_PASSWORD: PASSWORD }
  assert.equal((await phonekeep(['init'], env)).exitCode, 0)
  const copy = async () => JSON.parse((await phonekeep(['copy', '--from-repo', repository, '--json'], env)).out)
  assert.equal((await copy()).copied.length, 3)
  assert.equal((await copy()).present.length, 3)
})

test('keys are added, listed with their names, and removed, but never the one in use', async () => {
  const path = await copyOfRepository('keys')
  const file = join(folder.path, 'new-password')
  await writeFile(file, 'the new one')
  await done(['key', 'add', '--new-password-file', file, '--user', 'anna', '--host', 'attic'], path)
  const keys = JSON.parse(await done(['key', 'list', '--json'], path))
  assert.deepEqual(
    keys.map(({ current, userName, hostName }: Record<string, unknown>) => [current, userName, hostName]),
    [
      [true, 'phonekeep', 'phonekeep'],
      [false, 'anna', 'attic'],
    ],
  )
  const env = { ...at(path), RESTIC_PASSWORD: 'the new one' }
  assert.equal((await phonekeep(['key', 'remove', keys[1].id], env)).exitCode, 1)
  assert.equal((await phonekeep(['key', 'remove', keys[0].id], env)).exitCode, 0)
  assert.equal((await phonekeep(['snapshots'], at(path))).exitCode, 12)
})

test('a lock in the way is exit 11 and names its holder; unlock leaves what may be alive', async () => {
  const path = await copyOfRepository('locked')
  const started = await startRestic(path)
  await using _stop = started
  const refused = await phonekeep(['prune'], at(path))
  assert.deepEqual([refused.exitCode, /locked by process/.test(refused.err)], [11, true])
  assert.match(await done(['unlock'], path), /Left 1 lock/)
  assert.match(await done(['unlock', '--remove-all'], path), /Removed 1 lock/)
  await done(['prune'], path)
})
