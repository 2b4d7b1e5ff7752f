import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { NEVER } from '../../src/base/abort.ts'
import { type SeededRandom, seededRandom } from '../../src/base/random.ts'
import { findSnapshot, restoreTree } from '../../src/repository/index.ts'
import { seededBytes } from '../../src/repository/testing/bytes.ts'
import { assertHolds, hashContents, hashFolder } from '../testing/backup-folder.ts'
import { newRepository } from '../testing/history.ts'
import { type Finished, phonekeep, start, surroundings } from '../testing/phonekeep.ts'
import { pointsOf, SEED } from '../testing/points.ts'
import { restic } from '../testing/restic.ts'
import { assertSound } from '../testing/soundness.ts'
import { openWorld, PASSWORD, type World } from '../testing/world.ts'

const RACES = pointsOf('RACES', 6)
/** What a command of ours takes until it is done, on a slow day; restic starts somewhere in it. */
const SPAN_MS = 1500
const KEEP = '3'

let world: World
let source: string
let copies: string
/** What each snapshot in the repository must restore as. */
const contents = new Map<string, ReadonlyMap<string, string>>()

before(async () => {
  world = await openWorld({ files: 60, bytes: 500_000 })
  source = join(world.folder, 'source')
  copies = join(world.folder, 'copies')
  await mkdir(source)
  await newRepository(copies)
})
after(() => world[Symbol.asyncDispose]())

/** How a command ended. */
type Ending = 'done' | 'refused'

const OURS = {
  backup: async () => {
    const { virtual } = world
    virtual.contents.change({ seed: virtual.contents.revision.edits, rewrite: 10, add: 2, remove: 2 })
    const hashes = await hashContents(virtual.contents)
    return await ours(['backup', '--json'], (out) => contents.set(JSON.parse(out).snapshot, hashes))
  },
  forget: () => ours(['forget', '--keep-last', KEEP, '--json'], removeForgotten),
  prune: () => ours(['prune', '--max-unused', '0']),
  copy: () => ours(['copy', '--from-repo', world.repositoryFolder], undefined, copies),
}

const THEIRS = {
  backup: async (random: SeededRandom) => {
    for (const name of ['one', 'two', 'three']) {
      await writeFile(join(source, name), seededBytes(random.below(1000), random.below(300_000)))
    }
    const hashes = await hashFolder(source)
    return await theirs(['backup', '--json', source], (out) => contents.set(newSnapshotIn(out), hashes))
  },
  prune: () => theirs(['prune', '--max-unused', '0']),
  check: () => theirs(['check']),
  copy: () => theirs(['copy', '--from-repo', world.repositoryFolder], undefined, copies),
}

async function ours(
  args: readonly string[],
  onDone?: (out: string) => void,
  repository = world.repositoryFolder,
): Promise<Ending> {
  const env = { ...surroundings(world), RESTIC_REPOSITORY: repository, RESTIC_FROM_PASSWORD: PASSWORD }
  return endingOf(await phonekeep(args, env), /\[repo\.locked\]/, onDone)
}

async function theirs(
  args: readonly string[],
  onDone?: (out: string) => void,
  repository = world.repositoryFolder,
): Promise<Ending> {
  const env = { HOME: world.folder, RESTIC_PASSWORD: PASSWORD, RESTIC_FROM_PASSWORD: PASSWORD }
  return endingOf(
    await start(['restic', '--no-cache', '-r', repository, ...args], env).finished,
    /already locked/,
    onDone,
  )
}

function endingOf({ exitCode, out, err }: Finished, refusal: RegExp, onDone?: (out: string) => void): Ending {
  if (exitCode !== 0) {
    assert.match(err, refusal)
    return 'refused'
  }
  onDone?.(out)
  return 'done'
}

function removeForgotten(out: string): void {
  const groups: readonly { readonly remove: readonly { readonly id: string }[] | null }[] = JSON.parse(out)
  for (const { remove } of groups) for (const { id } of remove ?? []) contents.delete(id)
}

function newSnapshotIn(out: string): string {
  const summary = out.split('\n').find((line) => line.includes('"summary"'))
  return JSON.parse(summary ?? '').snapshot_id
}

/** Two commands at one time; restic begins a random while after ours. */
async function race(random: SeededRandom): Promise<{ readonly claim: string; readonly endings: readonly Ending[] }> {
  const our = random.pick(['backup', 'forget', 'prune', 'copy'] as const)
  const their = random.pick(['backup', 'prune', 'check', 'copy'] as const)
  const laterMs = random.below(SPAN_MS)
  const endings = await Promise.all([OURS[our](), setTimeout(laterMs).then(() => THEIRS[their](random))])
  return { claim: `our ${our}, and restic’s ${their} ${laterMs} ms later`, endings }
}

/** restic tells the first eight digits. */
async function completeIds(): Promise<void> {
  const snapshots: readonly { readonly id: string }[] = JSON.parse(
    await restic(world.repositoryFolder, 'snapshots', '--json'),
  )
  for (const { id } of snapshots) {
    const hashes = contents.get(id.slice(0, 8))
    if (hashes !== undefined && contents.delete(id.slice(0, 8))) contents.set(id, hashes)
  }
}

test(`${RACES} races with restic break nothing (PHONEKEEP_TEST_SEED=${SEED})`, async (t) => {
  const random = seededRandom(SEED)
  assert.equal(await OURS.backup(), 'done')
  assert.equal(await THEIRS.backup(random), 'done')
  let refused = 0
  for (let nth = 0; nth < RACES; nth++) {
    const { claim, endings } = await race(random)
    await completeIds()
    const told = `race ${nth}: ${claim} (${endings.join(', ')})`
    await assertSound(world.repositoryFolder, { must: contents.keys(), may: contents.keys() }, told)
    await assertSound(copies, { must: [] }, told)
    if (endings.includes('refused')) refused++
  }
  t.diagnostic(`in ${refused} of ${RACES} races one was refused because of the other’s lock`)
  assert.ok(refused < RACES)
})

test('after the races every snapshot restores byte by byte, with restic and with us', async () => {
  const { repositoryFolder, folder } = world
  const restored = join(folder, 'restored')
  await restic(repositoryFolder, 'check', '--read-data')
  await restic(copies, 'check', '--read-data')
  const repository = await world.repository()
  await repository.loadIndex({ signal: NEVER })
  for (const [id, hashes] of contents) {
    await restic(repositoryFolder, 'restore', id, '--target', restored)
    await assertRestored(restored, hashes)
    await rm(restored, { recursive: true })
    const { tree } = await findSnapshot(repository, id, { signal: NEVER })
    await restoreTree(repository, tree, restored, { signal: NEVER })
    await assertRestored(restored, hashes)
    await rm(restored, { recursive: true })
  }
})

async function assertRestored(restored: string, hashes: ReadonlyMap<string, string>): Promise<void> {
  const [top = ''] = await readdir(restored)
  if (top === world.virtual.udid) await assertHolds(join(restored, top), hashes)
  else assert.deepEqual(await hashFolder(join(restored, source)), hashes)
}

test('restic has no data to add when it backs up what it restored from us, but of databases', async () => {
  const { repositoryFolder, folder, virtual } = world
  assert.equal(await OURS.backup(), 'done')
  const restored = join(folder, 'again')
  await restic(repositoryFolder, 'restore', 'latest', '--path', `/${virtual.udid}`, '--target', restored)
  const databases = await findDatabases(restored)
  await Promise.all(databases.map((path) => rm(path)))
  const [summary] = (await restic(repositoryFolder, 'backup', '--json', restored)).trim().split('\n').slice(-1)
  const { data_blobs: blobs, files_new: files } = JSON.parse(summary ?? '')
  assert.equal(blobs, 0)
  assert.ok(files > 50 && databases.length < files / 2, `${files} files, without ${databases.length} databases`)
})

/** SQLite files, which we cut along their pages, and restic does not. */
async function findDatabases(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const isDatabase = await Promise.all(files.map(async (path) => (await readFile(path)).subarray(0, 15).equals(MAGIC)))
  return files.filter((_path, index) => isDatabase[index])
}

const MAGIC = Buffer.from('SQLite format 3')
