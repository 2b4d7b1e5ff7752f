import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { NEVER } from '../../base/abort.ts'
import { Secret } from '../../base/secret.ts'
import { openLocalBackend } from '../backend/local.ts'
import { createRepository, openRepository, type Repository } from '../repository.ts'
import { createTestClock } from './clock.ts'

/** Of every repository in the tests. */
export const PASSWORD = new Secret('correct horse')
/** scrypt at a cost that no test has to wait for. */
export const CHEAP_KDF = { N: 16, r: 8, p: 1 }
/** For tests with nothing to abort. */
export const signal = NEVER
/** Stands still. */
export const clock = createTestClock()

const run = promisify(execFile)

/** A folder that is removed again. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'phonekeep-repository-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Runs the real restic on a repository in a folder and resolves with what it printed; rejects if it ends with an error. */
export async function restic(folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const given = { PATH: '/usr/bin:/bin', HOME: folder, RESTIC_PASSWORD: PASSWORD.reveal(), GOMAXPROCS: '2', ...env }
  const { stdout, stderr } = await run('restic', ['--no-cache', '-r', folder, ...args], {
    env: given,
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout + stderr
}

/** A new repository of ours in a folder. */
export async function newRepository(folder: string): Promise<Repository> {
  return await createRepository(openLocalBackend(folder), { password: PASSWORD, clock, signal, kdf: CHEAP_KDF })
}

/** The repository in a folder, with its index loaded. */
export async function reopened(folder: string): Promise<Repository> {
  const repository = await openRepository(openLocalBackend(folder), { password: PASSWORD, signal })
  await repository.loadIndex({ signal })
  return repository
}
