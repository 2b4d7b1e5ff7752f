import assert from 'node:assert/strict'
import { mkdtempDisposable, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linkRepository, makeHistory, newRepository } from './history.ts'
import { type Finished, phonekeep, surroundings } from './phonekeep.ts'
import { assertSound } from './soundness.ts'
import { COUNTABLE } from './strace.ts'
import { openWorld, PASSWORD } from './world.ts'

/** A command on a repository, and what becomes of the snapshots there. */
export interface Job {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly repository: string
  /** They are there whatever happens. */
  readonly must: readonly string[]
  /** How many snapshots there are when the command has done its work, if there were so many before. */
  readonly leaves: (before: number) => number
}

/** Gives the same job again and again, each time as if it had not been done before. */
export interface Jobs extends AsyncDisposable {
  next(): Promise<Job>
}

export const UPKEEP = ['forget', 'prune', 'copy'] as const

/** Forget, prune or copy: a fresh repository each time, made of links to the files of another. */
export async function openUpkeepJobs(command: (typeof UPKEEP)[number]): Promise<Jobs> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await mkdtempDisposable(join(tmpdir(), 'phonekeep-jobs-')))
  const at = (name: string) => join(folder.path, name)
  const repository = at('repository')
  const env = {
    ...{ RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: PASSWORD, RESTIC_FROM_PASSWORD: PASSWORD },
    ...{ PHONEKEEP_STATE: at('state'), ...COUNTABLE },
  }
  const history = await makeHistory(at('history'), { days: 6 })
  const kept = history.slice(-2)
  const leavesKept = () => kept.length
  const forget = ['forget', '--keep-last', String(kept.length)]
  await newRepository(at('empty'))
  await linkRepository(at('history'), at('forgotten'))
  assertDone(await phonekeep(forget, { ...env, RESTIC_REPOSITORY: at('forgotten') }))
  const jobs = {
    forget: { from: 'history', args: forget, must: kept, leaves: leavesKept },
    prune: { from: 'forgotten', args: ['prune', '--max-unused', '0'], must: kept, leaves: leavesKept },
    copy: { from: 'empty', args: ['copy', '--from-repo', at('history')], must: [], leaves: () => history.length },
  }
  const { from, ...job } = jobs[command]
  const owned = opened.move()
  return {
    next: async () => {
      await rm(repository, { recursive: true, force: true })
      await linkRepository(at(from), repository)
      return { env, repository, ...job }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Backups of one virtual phone into one repository; some of its files change before each. */
export async function openBackupJobs(): Promise<Jobs> {
  const world = await openWorld({ files: 60, bytes: 500_000 })
  const { repositoryFolder: repository, virtual } = world
  const env = { ...surroundings(world), ...COUNTABLE }
  const job = { args: ['backup'], env, repository, leaves: (before: number) => before + 1 }
  assertDone(await phonekeep(job.args, job.env))
  let seed = 0
  return {
    next: async () => {
      virtual.contents.change({ seed: seed++, rewrite: 10, add: 2, remove: 2 })
      return { ...job, must: await assertSound(repository, { must: [] }, 'before a backup') }
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}

export function assertDone({ exitCode, err }: Finished): void {
  assert.equal(exitCode, 0, err)
}

/** After a disturbance everything is sound, the same command works with nobody's help, and everything is sound again. */
export async function assertRecovers(job: Job, claim: string): Promise<void> {
  const left = await assertSound(job.repository, { must: job.must }, `${claim}, right after it`)
  const { exitCode, err } = await phonekeep(job.args, job.env)
  assert.equal(exitCode, 0, `${claim}, the next run: ${err}`)
  const locks = await readdir(join(job.repository, 'locks'))
  assert.ok(!locks.some((name) => /^[0-9a-f]{64}$/.test(name)), `${claim}: a dead lock is left`)
  const ids = await assertSound(job.repository, { must: job.must }, `${claim}, after the next run`)
  assert.equal(ids.length, job.leaves(left.length), claim)
}
