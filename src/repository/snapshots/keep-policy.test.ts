import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type SeededRandom, seededRandom } from '../../base/random.ts'
import { sha256 } from '../format/id.ts'
import type { Repository } from '../repository.ts'
import { newRepository, restic, signal, temporaryFolder } from '../testing/restic.ts'
import { applyPolicy, type KeepPolicy, PERIODS, parseCalendarDuration } from './keep-policy.ts'
import { listSnapshots, saveSnapshot } from './snapshot.ts'

const folder = await temporaryFolder()
after(() => folder[Symbol.asyncDispose]())
let repository: Repository
before(async () => {
  repository = await newRepository(folder.path)
})

const OFFSETS = ['Z', '+00:00', '+01:00', '+02:00', '-05:00', '-04:00', '+05:30']
/** Around changes of summer time, ends of months and years, a leap day; and a time that has not come yet. */
const CENTRES = [
  '2024-03-31T01:30:00Z',
  '2023-10-29T01:00:00Z',
  '2024-11-03T06:00:00Z',
  '2023-12-31T23:00:00Z',
  '2024-02-29T12:00:00Z',
  '2020-01-01T00:00:00Z',
  '2090-05-05T00:00:00Z',
] // prettier-ignore

function randomTime(random: SeededRandom): string {
  const spread = random.pick([3_600_000, 86_400_000, 40 * 86_400_000, 800 * 86_400_000])
  const ms = Date.parse(random.pick(CENTRES)) + Math.floor((random.next() - 0.5) * spread)
  const offset = random.pick(OFFSETS)
  const zone = offset === 'Z' ? 'UTC' : offset
  const wall = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toPlainDateTime()
  return `${wall.toString({ fractionalSecondDigits: 3 })}${offset}`
}

const DURATIONS = ['1h', '12h', '1d', '2d1h', '7d', '1m', '1m1d', '13m', '1y', '2y3m4d5h', '0d']
const TAGS = ['a', 'b', 'c d']

interface Rules {
  readonly policy: KeepPolicy
  readonly args: readonly string[]
}

function randomRules(random: SeededRandom): Rules {
  const args: string[] = []
  const count = (name: string, chance: number) => {
    const value = random.next() < chance ? random.below(5) : 0
    if (value > 0) args.push(`--keep-${name}`, String(value))
    return value
  }
  const within = (name: string) => {
    if (random.next() > 0.15) return undefined
    const text = random.pick(DURATIONS)
    args.push(`--keep-within${name}`, text)
    return parseCalendarDuration(text)
  }
  const policy: KeepPolicy = {
    last: count('last', 0.5),
    counts: Object.fromEntries(PERIODS.map((period) => [period, count(period, 0.3)])) as KeepPolicy['counts'],
    within: within(''),
    withins: Object.fromEntries(
      PERIODS.map((period) => [period, within(`-${period}`)] as const).filter(([, duration]) => duration !== undefined),
    ),
    tags: random.below(5) === 0 ? [[random.pick(TAGS)], [random.pick(TAGS), random.pick(TAGS)]] : [],
  }
  for (const list of policy.tags) args.push('--keep-tag', list.join(','))
  return { policy, args }
}

async function replaceSnapshots(random: SeededRandom): Promise<void> {
  for await (const { id } of repository.backend.list('snapshot', { signal })) {
    await repository.backend.remove({ kind: 'snapshot', id }, { signal })
  }
  const times = new Map(
    Array.from({ length: 1 + random.below(40) }, () => randomTime(random)).map((time) => [Date.parse(time), time]),
  )
  for (const time of times.values()) {
    const tags = TAGS.filter(() => random.below(3) === 0)
    const fields = { time, tree: sha256(Buffer.from(time)), paths: ['/udid'], hostname: 'iphone', tags }
    await saveSnapshot(repository, fields, { signal })
  }
}

interface ResticGroup {
  readonly keep: readonly { readonly id: string }[] | null
  readonly remove: readonly { readonly id: string }[] | null
  readonly reasons:
    | readonly {
        readonly snapshot: { readonly tree: string }
        readonly matches: readonly string[]
        readonly counters: object
      }[]
    | null
}

/** What `restic forget --json` says of the same repository. */
async function askRestic(args: readonly string[], timeZone: string): Promise<ResticGroup | undefined> {
  const printed = await restic(folder.path, ['forget', '--dry-run', '--json', ...args], { TZ: timeZone })
  const groups: readonly ResticGroup[] = JSON.parse(printed.split('\n').find((line) => line.startsWith('[')) ?? '[]')
  assert.ok(groups.length <= 1)
  return groups[0]
}

const nonZero = (counters: object) => Object.fromEntries(Object.entries(counters).filter(([, left]) => left !== 0))

for (const timeZone of ['UTC', 'Europe/Berlin', 'America/New_York', 'Europe/London']) {
  test(`we decide as restic does in ${timeZone}, for the same reasons`, async () => {
    const random = seededRandom(timeZone.length)
    for (let turn = 0; turn < 6; turn++) {
      await replaceSnapshots(random)
      const { policy, args } = randomRules(random)
      const theirs = await askRestic(args, timeZone)
      if (theirs === undefined) continue
      const nowMs = Math.round(performance.timeOrigin + performance.now())
      const decisions = applyPolicy(await listSnapshots(repository, { signal }), policy, { nowMs, timeZone })
      const kept = decisions.filter(({ reasons }) => reasons.length > 0)
      const removed = decisions.filter(({ reasons }) => reasons.length === 0)
      const about = `${args.join(' ')} (${timeZone}, turn ${turn})`
      assert.deepEqual(
        kept.map(({ snapshot }) => snapshot.id),
        (theirs.keep ?? []).map(({ id }) => id),
        about,
      )
      assert.deepEqual(
        removed.map(({ snapshot }) => snapshot.id),
        (theirs.remove ?? []).map(({ id }) => id),
        about,
      )
      assert.deepEqual(
        kept.map(({ snapshot, reasons, counters }) => [snapshot.tree, reasons, nonZero(counters)]),
        (theirs.reasons ?? []).map(({ snapshot, matches, counters }) => [snapshot.tree, matches, counters]),
        about,
      )
    }
  })
}
