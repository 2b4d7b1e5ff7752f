import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type SeededRandom, seededRandom } from '../../src/base/random.ts'
import { OUTCOMES } from '../../src/cli/outcomes.ts'
import { assertDone, assertRecovers, type Job, type Jobs, openBackupJobs, openUpkeepJobs } from '../testing/jobs.ts'
import { type Finished, phonekeep } from '../testing/phonekeep.ts'
import { pointsOf, SEED } from '../testing/points.ts'
import { restic } from '../testing/restic.ts'
import { assertSound } from '../testing/soundness.ts'
import { CALLS, ordinalsBelow, pathsOf, type Traced, tracePhonekeep } from '../testing/strace.ts'

/** So many faults for each command; a few hundred are all that there are. */
const INJECTIONS = pointsOf('INJECTIONS', 4)
const TRIES_MAX = 5

/** What each fault must be called. */
const CODES = { EIO: 'repo.storage-failed', ENOSPC: 'repo.no-space' } as const

/** The n-th such call that the command makes fails. */
interface Fault {
  readonly call: (typeof FAILING)[number]
  readonly nth: number
  readonly error: keyof typeof CODES
}

const FAILING = ['sync', 'rename', 'write'] as const

/** Does a job undisturbed, and gives every fault that could have happened to it. */
async function findFaults(jobs: Jobs): Promise<readonly Fault[]> {
  const { args, env, repository } = await jobs.next()
  const traced = await tracePhonekeep(args, env, { calls: FAILING.flatMap((call) => CALLS[call]) })
  assertDone(traced)
  return FAILING.flatMap((call) => {
    const ordinals = ordinalsBelow(repository, traced.calls, CALLS[call])
    const nths = call === 'write' ? ordinals.map((_, index) => index + 1) : ordinals
    return nths.flatMap((nth) => (['EIO', 'ENOSPC'] as const).map((error) => ({ call, nth, error })))
  })
}

/**
 * Does a job while a call fails; undefined when it met none. strace cannot tell writes to a file from those with which the threads
 * of Node wake each other, so writes fail in the process itself.
 */
async function disturb({ args, env, repository }: Job, { call, nth, error }: Fault): Promise<Finished | undefined> {
  if (call === 'write') {
    const finished = await phonekeep(args, { ...env, ...FAILING_WRITE, PHONEKEEP_TEST_FAIL_WRITE: `${nth} ${error}` })
    return finished.exitCode !== 0 || finished.err.includes('injected') ? finished : undefined
  }
  const injection = { calls: CALLS[call], nth, what: error }
  const traced = await tracePhonekeep(args, env, { calls: CALLS[call], injection })
  return hasFired(traced, repository) ? traced : undefined
}

const FAILING_WRITE = {
  NODE_OPTIONS: `--import=${fileURLToPath(new URL('../testing/fail-write.mjs', import.meta.url))}`,
}

function hasFired({ calls }: Traced, repository: string): boolean {
  return calls.some((call) => call.isInjected && pathsOf(call).some((path) => path.startsWith(repository)))
}

/** The work was done all the same, with a warning: what is only tidied up can wait. Else it ends with the error's own code. */
async function assertTold({ exitCode, err }: Finished, job: Job, { error }: Fault, claim: string): Promise<void> {
  if (exitCode === 0) {
    assert.match(err, new RegExp(`^Warning: .*${error}`, 'm'), claim)
    const ids = await assertSound(job.repository, { must: job.must }, claim)
    assert.equal(ids.length, job.leaves(job.must.length), claim)
    return
  }
  assert.equal(/\. \[([\w.-]+)\]\n$/.exec(err)?.[1], CODES[error], `${claim}: ${err}`)
  assert.equal(exitCode, OUTCOMES[CODES[error]], claim)
  await assertRecovers(job, claim)
}

/** Not every backup makes as many calls as the one that was counted: then the next one is tried. */
async function injectOne(jobs: Jobs, fault: Fault): Promise<boolean> {
  const claim = `${fault.error} at the ${fault.nth}. ${fault.call}`
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const job = await jobs.next()
    const finished = await disturb(job, fault)
    if (finished === undefined) continue
    await assertTold(finished, job, fault, claim)
    return true
  }
  return false
}

async function injectAll(jobs: Jobs, t: TestContext): Promise<void> {
  const all = await findFaults(jobs)
  const faults = sample(all, INJECTIONS, seededRandom(SEED))
  let fired = 0
  for (const fault of faults) if (await injectOne(jobs, fault)) fired++
  t.diagnostic(`${fired} faults happened, of ${all.length} that are possible`)
  assert.ok(fired >= 0.9 * faults.length, `Only ${fired} of ${faults.length} faults happened`)
  const { repository } = await jobs.next()
  await restic(repository, 'check', '--read-data')
}

function sample<Item>(items: readonly Item[], count: number, random: SeededRandom): readonly Item[] {
  const left = [...items]
  return Array.from({ length: Math.min(count, items.length) }, () => left.splice(random.below(left.length), 1)).flat()
}

const claim = `that meets a failing disk says so, loses nothing, and works the next time (PHONEKEEP_TEST_SEED=${SEED})`

test(`a prune ${claim}`, async (t) => {
  await using jobs = await openUpkeepJobs('prune')
  await injectAll(jobs, t)
})

test(`a backup ${claim}`, async (t) => {
  await using jobs = await openBackupJobs()
  await injectAll(jobs, t)
})
