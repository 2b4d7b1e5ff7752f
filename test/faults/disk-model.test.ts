import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { isAppError } from '../../src/base/errors.ts'
import { seededRandom } from '../../src/base/random.ts'
import { Secret } from '../../src/base/secret.ts'
import { createRepository } from '../../src/repository/index.ts'
import { createMemoryBackend } from '../../src/repository/testing/memory-backend.ts'
import { DiskModel, type Luck } from '../testing/disk-model.ts'
import { DISK_CALLS, type DiskChange, DiskRecording } from '../testing/disk-recording.ts'
import { COMMAND, surroundings } from '../testing/phonekeep.ts'
import { pointsOf, SEED } from '../testing/points.ts'
import { assertSound } from '../testing/soundness.ts'
import { trace } from '../testing/strace.ts'
import { openWorld, PASSWORD, type World } from '../testing/world.ts'

const STATES = pointsOf('DISK_STATES', 200)
const MAKE_REPOSITORY = fileURLToPath(new URL('../../src/repository/testing/make-repository.ts', import.meta.url))
const CHEAP_KDF = { N: 16, r: 8, p: 1 }
const REPOSITORY = 'repository'

/** What somebody was told, or had asked for, when so many changes had been made. A later one about the same thing takes its place. */
interface Mark {
  readonly at: number
  readonly what: string
  /** While it is going it may be there or not. */
  readonly state: 'stored' | 'going' | 'gone'
}

const marks: Mark[] = []
let recorded: readonly DiskChange[] = []
let world: World

before(async () => {
  world = await openWorld({ files: 40, bytes: 300_000 })
  recorded = await recordUse(world)
})
after(() => world[Symbol.asyncDispose]())

/** A repository is made, used and tidied by the real commands; what they did to the disk. */
async function recordUse({ folder, repositoryFolder, virtual, backUp }: World): Promise<readonly DiskChange[]> {
  const disk = join(folder, 'disk')
  await mkdir(disk)
  const recording = new DiskRecording(disk)
  const mark = (what: string, state: Mark['state']) => marks.push({ at: recording.changes.length, what, state })
  const env = { ...surroundings(world), RESTIC_REPOSITORY: join(disk, REPOSITORY), RESTIC_FROM_PASSWORD: PASSWORD }
  const perform = async (...command: readonly string[]) => {
    const { exitCode, out, err, calls } = await trace(command, env, { calls: DISK_CALLS, bytesMax: 2 ** 24 })
    assert.equal(exitCode, 0, err)
    recording.add(calls)
    return out
  }

  await perform(process.execPath, MAKE_REPOSITORY, join(disk, REPOSITORY))
  mark(REPOSITORY, 'stored')
  const snapshots: string[] = []
  for (const seed of [1, 2]) {
    const { snapshot } = JSON.parse(await perform(COMMAND, 'backup', '--json'))
    mark(snapshot, 'stored')
    snapshots.push(snapshot)
    virtual.contents.change({ seed, rewrite: 5, add: 2, remove: 2 })
  }
  const [oldest = ''] = snapshots
  mark(oldest, 'going')
  await perform(COMMAND, 'forget', oldest)
  mark(oldest, 'gone')
  await perform(COMMAND, 'prune', '--max-unused', '0')
  await backUp()
  const { copied } = JSON.parse(await perform(COMMAND, 'copy', '--from-repo', repositoryFolder, '--json'))
  for (const { to } of copied) mark(to, 'stored')
  return recording.changes
}

/** Asserts what must hold after a power cut at which so many changes had been made. */
async function assertSurvives(files: ReadonlyMap<string, Buffer>, cut: number, claim: string): Promise<void> {
  const told = new Map(marks.filter(({ at }) => at <= cut).map(({ what, state }) => [what, state]))
  const below = [...files].filter(([path]) => path.startsWith(`${REPOSITORY}/`))
  const backend = createMemoryBackend(new Map(below.map(([path, bytes]) => [path.slice(REPOSITORY.length + 1), bytes])))
  if (!told.has(REPOSITORY) && !backend.files.has('config')) {
    await createRepository(backend, {
      password: new Secret(PASSWORD),
      clock: systemClock,
      signal: NEVER,
      kdf: CHEAP_KDF,
    })
    return
  }
  const must = [...told].filter(([what, state]) => what !== REPOSITORY && state === 'stored').map(([what]) => what)
  const ids = await assertSound(backend, { must }, claim)
  assert.ok(!ids.some((id) => told.get(id) === 'gone'), `${claim}: a snapshot that was forgotten is back`)
}

/** A moment at which the power goes, and what the disk keeps of what was not synced. */
interface PowerCut {
  readonly cut: number
  readonly luck: Luck
}

/** What the first of these power cuts does away with, if anything; and how many different disks were looked at. */
async function findLoss(model: DiskModel, cuts: Iterable<PowerCut>) {
  const seen = new Set<string>()
  for (const { cut, luck } of cuts) {
    const files = model.cut(cut, luck)
    const toldCount = marks.filter(({ at }) => at <= cut).length
    const state = `${toldCount} ${[...files].map(([path, bytes]) => `${path} ${bytes.length} ${bytes.at(-1)}`).join(' ')}`
    if (seen.has(state)) continue
    seen.add(state)
    try {
      await assertSurvives(files, cut, `power cut after change ${cut} of ${model.changes.length}`)
    } catch (error) {
      return { error, states: seen.size }
    }
  }
  return { error: undefined, states: seen.size }
}

const everyCut = (...lucks: readonly Luck[]): readonly PowerCut[] => {
  return Array.from(recorded.keys()).flatMap((index) => lucks.map((luck) => ({ cut: index + 1, luck })))
}

test('whenever the power goes, everything that was told to be stored is stored, and nothing is broken', async (t) => {
  const { error, states } = await findLoss(new DiskModel(recorded), everyCut('none', 'all'))
  t.diagnostic(`${states} states of the disk after ${recorded.length} changes`)
  assert.ifError(error)
})

test(`also when the disk keeps parts of what was not synced (PHONEKEEP_TEST_SEED=${SEED})`, async (t) => {
  const random = seededRandom(SEED)
  const cuts = Array.from({ length: STATES }, () => ({ cut: random.below(recorded.length + 1), luck: random }))
  const { error, states } = await findLoss(new DiskModel(recorded), cuts)
  t.diagnostic(`${states} states of the disk, of ${STATES} power cuts`)
  assert.ifError(error)
})

/** Gives the changes with some syncs that cover nothing; there must be some. */
function withoutSyncs(isLeftOut: (sync: DiskChange, index: number) => boolean): DiskModel {
  const isOne = (change: DiskChange, index: number) => change.kind === 'sync' && isLeftOut(change, index)
  assert.ok(recorded.some(isOne), 'it is synced')
  return new DiskModel(recorded.map((change, index) => (isOne(change, index) ? { ...change, covers: 0 } : change)))
}

/** Syncs without which something is lost, each by the paths of what is synced. */
const NEEDED_SYNCS: readonly (readonly [what: string, path: RegExp])[] = [
  ['the bytes of packs', /^repository\/data\/..\/./],
  ['the bytes of index files', /^repository\/index\/./],
  ['the bytes of snapshots', /^repository\/snapshots\/./],
  ['the bytes of keys', /^repository\/keys\/./],
  ['the bytes of the config', /^repository\/config/],
  ['the names of packs', /^repository\/data\/..$/],
  ['the names of index files', /^repository\/index$/],
  ['the names of snapshots', /^repository\/snapshots$/],
  ['the names of keys', /^repository\/keys$/],
  ['the names of the folders of packs', /^repository\/data$/],
  ['the names in the repository’s folder', /^repository$/],
  ['the name of the repository’s folder', /^\.$/],
]

for (const [what, path] of NEEDED_SYNCS) {
  test(`without syncing ${what} something would be lost, and the model sees it`, async () => {
    const model = withoutSyncs((sync) => path.test(sync.path))
    assertIsLoss((await findLoss(model, everyCut('none'))).error)
  })
}

for (const [what, folder] of [
  ['indexes', 'repository/index'],
  ['snapshots', 'repository/snapshots'],
] as const) {
  test(`without syncing the removal of ${what} they would come back, and the model sees it`, async () => {
    const isAfterRemoval = (index: number) => recorded[index - 1]?.kind === 'remove'
    const model = withoutSyncs(({ path }, index) => path === folder && isAfterRemoval(index))
    const lucks = [1, 2, 3, 4].map((seed) => seededRandom(seed))
    const first = model.changes.findIndex((change) => change.kind === 'sync' && change.covers === 0)
    const cuts = everyCut(...lucks).filter(({ cut }) => cut >= first)
    assertIsLoss((await findLoss(model, cuts)).error)
  })
}

function assertIsLoss(error: unknown): void {
  assert.ok(error instanceof assert.AssertionError || isAppError(error), String(error))
}
