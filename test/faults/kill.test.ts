import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import {
  assertDone,
  assertRecovers,
  type Job,
  type Jobs,
  openBackupJobs,
  openUpkeepJobs,
  UPKEEP,
} from '../testing/jobs.ts'
import { pointsOf, SEED } from '../testing/points.ts'
import { restic } from '../testing/restic.ts'
import { CALLS, ordinalsBelow, tracePhonekeep } from '../testing/strace.ts'

/** Of each of the four commands a quarter. */
const KILLS = pointsOf('KILLS', 8)
/** How often plain restic reads everything, too; it always does at the end. */
const RESTIC_EVERY = 10
/** So many backups are killed on the way into one repository; then a new phone begins with an empty one. */
const BACKUPS_MAX = 60
const TRIES_MAX = 10

/** A process is killed before its n-th call of one of these sorts: two of four points are where the disk is changed. */
const CHANGES = [...CALLS.makeFolder, ...CALLS.sync, ...CALLS.rename, ...CALLS.remove]
const SORTS = [CHANGES, CHANGES, CALLS.write, [...CALLS.open, ...CALLS.read]]

/** Calls that have to do with the repository. */
interface Sort {
  readonly calls: readonly string[]
  readonly ordinals: readonly number[]
}

/** Does a job undisturbed, and looks where it can be killed. */
async function findSorts(jobs: Jobs): Promise<readonly Sort[]> {
  const { args, env, repository } = await jobs.next()
  const traced = await tracePhonekeep(args, env, { calls: SORTS.flat() })
  assertDone(traced)
  return SORTS.map((calls) => ({ calls, ordinals: ordinalsBelow(repository, traced.calls, calls) }))
}

/** Calls do not come in quite the same order every time: a job that was done before the kill is followed by another. */
async function killOne(jobs: Jobs, sorts: readonly Sort[], seed: number): Promise<Job> {
  const random = seededRandom(seed)
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const { calls, ordinals } = random.pick(sorts)
    const injection = { calls, nth: random.pick(ordinals), what: 'SIGKILL' } as const
    const job = await jobs.next()
    const finished = await tracePhonekeep(job.args, job.env, { calls, injection })
    if (finished.signal === 'SIGKILL') return job
    assertDone(finished)
  }
  return assert.fail(`Nothing could be killed with PHONEKEEP_TEST_SEED=${seed}`)
}

async function killAll(jobs: Jobs, seeds: readonly number[]): Promise<void> {
  const sorts = await findSorts(jobs)
  for (const [nth, seed] of seeds.entries()) {
    const job = await killOne(jobs, sorts, seed)
    await assertRecovers(job, `killed with PHONEKEEP_TEST_SEED=${seed}`)
    if (nth % RESTIC_EVERY === 0 || seed === seeds.at(-1)) await restic(job.repository, 'check', '--read-data')
  }
}

const seeds = Array.from({ length: Math.ceil(KILLS / 4) }, (_, nth) => SEED + nth)
const claim = `killed ${seeds.length} times from PHONEKEEP_TEST_SEED=${SEED} on, loses nothing, and works the next time`

for (const command of UPKEEP) {
  test(`${command}, ${claim}`, async () => {
    await using jobs = await openUpkeepJobs(command)
    await killAll(jobs, seeds)
  })
}

test(`backup, ${claim}`, async () => {
  for (let next = 0; next < seeds.length; next += BACKUPS_MAX) {
    await using jobs = await openBackupJobs()
    await killAll(jobs, seeds.slice(next, next + BACKUPS_MAX))
  }
})
