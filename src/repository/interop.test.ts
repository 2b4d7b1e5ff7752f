import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { checkRepository } from './check/check.ts'
import { lockRepository } from './lock.ts'
import { encodeLock } from './lock-file.ts'
import { restoreTree } from './restore.ts'
import { findSnapshot, listSnapshots, saveSnapshot, snapshotToJson } from './snapshots/snapshot.ts'
import { seededBytes } from './testing/bytes.ts'
import { backUp, putBytes, readFiles } from './testing/repositories.ts'
import { clock, newRepository, PASSWORD, reopened, restic, signal, temporaryFolder } from './testing/restic.ts'
import { openTree } from './trees/cow-tree.ts'
import { openWriter } from './write/writer.ts'

/** Sizes around every limit of the chunker, content of every sort, names that are hard to write. */
const FILES: Readonly<Record<string, Buffer>> = {
  'udid/Manifest.db': seededBytes(1, 5_000_000),
  'udid/empty': Buffer.alloc(0),
  'udid/one': Buffer.from('1'),
  'udid/00/least-1': seededBytes(2, 524_287),
  'udid/00/least': seededBytes(3, 524_288),
  'udid/00/least+1': seededBytes(4, 524_289),
  'udid/00/most': Buffer.alloc(8_388_608, 7),
  'udid/00/most+1': Buffer.alloc(8_388_609, 7),
  'udid/ff/zeros': Buffer.alloc(3_000_000),
  'udid/ff/text': Buffer.from('text that shrinks well. '.repeat(60_000)),
  'names/say "hi" \\ & <b>': Buffer.from('quotes'),
  'names/line\nbreak\ttab\x07bell\x7f': Buffer.from('control'),
  'names/Zoë’s iPhone 📱': Buffer.from('unicode'),
  'names/👩\u200d👧\u00a0\u00ad\u2028\ufeff\uf8ff\u{e0061}': Buffer.from('invisible'),
  'names/raw\udcff\udc80': Buffer.from('no UTF-8'),
  'names/\uffff before \u{10000}': Buffer.from('order'),
  'names/\u{10000} after \uffff': Buffer.from('order'),
}

const source = await temporaryFolder()
/** A repository that restic made, with one snapshot of all the files. Its key takes restic half a second to open. */
const foreign = await temporaryFolder()
after(async () => {
  await source[Symbol.asyncDispose]()
  await foreign[Symbol.asyncDispose]()
})

before(async () => {
  for (const [path, bytes] of Object.entries(FILES)) {
    const file = rawPath(source.path, path)
    await mkdir(join(source.path, dirname(path)), { recursive: true })
    await writeFile(file, bytes)
    await utimes(file, 1_700_000_000.123, 1_700_000_000.123)
  }
  await restic(foreign.path, ['init'])
  await restic(foreign.path, ['backup', '--host', 'iphone', '--tag', 'x,y', '--exclude', '*.tmp', source.path])
})

/** A path as bytes, in which a stray byte is a stray byte again. */
function rawPath(folder: string, path: string): Buffer {
  const parts = path.split(/([\udc80-\udcff])/u)
  const bytes = parts.map((part) =>
    /^[\udc80-\udcff]$/u.test(part) ? Buffer.of(part.charCodeAt(0) & 0xff) : Buffer.from(part),
  )
  return Buffer.concat([Buffer.from(`${folder}/`), ...bytes])
}

async function assertRestored(folder: string, files: Readonly<Record<string, Buffer>>): Promise<void> {
  for (const [path, bytes] of Object.entries(files))
    assert.ok(bytes.equals(await readFile(rawPath(folder, path))), path)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true, encoding: 'buffer' })
  assert.equal(entries.filter((entry) => entry.isFile()).length, Object.keys(files).length)
}

/** The summary line of `restic backup --json`. */
async function resticBackup(repository: string, folder: string): Promise<{ readonly data_blobs: number }> {
  const printed = await restic(repository, ['backup', '--json', '--host', 'iphone', folder])
  const summary = printed.split('\n').find((line) => line.includes('"summary"'))
  assert.ok(summary !== undefined)
  return JSON.parse(summary)
}

test('restic finds our repository sound, restores it bit by bit, and has nothing to add to its data', async () => {
  await using folder = await temporaryFolder()
  await using target = await temporaryFolder()
  await backUp(await newRepository(folder.path), FILES)
  assert.match(await restic(folder.path, ['check', '--read-data']), /no errors were found/)
  await restic(folder.path, ['restore', 'latest', '--target', target.path])
  await assertRestored(target.path, FILES)
  assert.equal((await resticBackup(folder.path, source.path)).data_blobs, 0)
})

test('we find restic’s repository sound, restore it bit by bit, and have nothing to add to its data', async () => {
  await using target = await temporaryFolder()
  const repository = await reopened(foreign.path)
  const report = await checkRepository(repository, { readData: true, signal })
  assert.deepEqual(report.findings, [])
  const snapshot = await findSnapshot(repository, 'latest', { signal, host: 'iphone' })
  await restoreTree(repository, snapshot.tree, target.path, { signal })
  await assertRestored(join(target.path, source.path), FILES)
  await using writer = openWriter(repository, { clock, signal })
  const tree = openTree(writer, undefined)
  for (const [path, bytes] of Object.entries(FILES)) await putBytes(writer, tree, path.split('/'), bytes)
  await writer.flush({ signal })
  assert.equal(writer.stats.dataBlobs, 0)
})

test('changes over a tree of restic, once undone, leave every byte of it as it was: we write names as restic does', async () => {
  const repository = await reopened(foreign.path)
  const { tree: root } = await findSnapshot(repository, 'latest', { signal })
  await using writer = openWriter(repository, { clock, signal })
  const tree = openTree(writer, root)
  const parts = source.path.split('/').slice(1)
  await putBytes(writer, tree, [...parts, 'udid', 'new'], Buffer.from('new'))
  await tree.move([...parts, 'names'], [...parts, 'moved'], { signal })
  await tree.remove([...parts, 'udid', 'new'], { signal })
  await tree.move([...parts, 'moved'], [...parts, 'names'], { signal })
  for await (const { name } of tree.list([...parts, 'names'], { signal })) {
    await tree.move([...parts, 'names', name], [...parts, 'elsewhere'], { signal })
    await tree.move([...parts, 'elsewhere'], [...parts, 'names', name], { signal })
  }
  assert.equal(await tree.commit({ signal }), root)
})

test('restic forgets, prunes and copies our snapshots, and all that is left stays sound', async () => {
  await using folder = await temporaryFolder()
  await using copy = await temporaryFolder()
  const repository = await newRepository(folder.path)
  const first = await backUp(repository, { 'udid/a': seededBytes(20, 700_000), 'udid/b': Buffer.from('kept') })
  const second = await backUp(repository, { 'udid/a': Buffer.from('changed') }, first.tree)
  await newRepository(copy.path)
  await restic(copy.path, ['copy', '--from-repo', folder.path], { RESTIC_FROM_PASSWORD: PASSWORD.reveal() })
  await restic(folder.path, ['forget', '--prune', first.id])
  const files = { 'udid/a': Buffer.from('changed'), 'udid/b': Buffer.from('kept') }
  const pruned = await reopened(folder.path)
  assert.deepEqual(
    (await listSnapshots(pruned, { signal })).map(({ id }) => id),
    [second.id],
  )
  assert.deepEqual(await readFiles(pruned, second.tree), files)
  assert.deepEqual((await checkRepository(pruned, { readData: true, signal })).findings, [])
  const copied = await reopened(copy.path)
  assert.equal((await listSnapshots(copied, { signal })).length, 2)
  assert.deepEqual(await readFiles(copied, second.tree), files)
})

test('restic shows a snapshot of ours as we do', async () => {
  await using folder = await temporaryFolder()
  const repository = await newRepository(folder.path)
  const { tree } = await backUp(repository, { a: Buffer.from('a') })
  await restic(folder.path, ['forget', 'latest', '--keep-last', '1'])
  const written = await saveSnapshot(
    repository,
    {
      time: '2026-03-04T05:06:07.089Z',
      tree,
      paths: ['/udid'],
      hostname: 'iphone',
      username: 'me',
      uid: 501,
      tags: ['a', 'b & c'],
    },
    { signal },
  )
  const shown: unknown = JSON.parse(await restic(folder.path, ['snapshots', '--json']))
  assert.ok(Array.isArray(shown))
  assert.deepEqual(shown.at(-1), JSON.parse(JSON.stringify(snapshotToJson(written))))
  assert.deepEqual(Object.keys(shown.at(-1)), Object.keys(JSON.parse(JSON.stringify(snapshotToJson(written)))))
})

test('we show a snapshot of restic as it does', async () => {
  const repository = await reopened(foreign.path)
  const shown = JSON.parse(await restic(foreign.path, ['snapshots', '--json']))
  const ours = (await listSnapshots(repository, { signal })).map(snapshotToJson)
  assert.equal(JSON.stringify(ours), JSON.stringify(shown))
})

test('restic heeds our locks; `restic unlock` leaves them alone for half an hour, whoever wrote them', async () => {
  await using folder = await temporaryFolder()
  const repository = await newRepository(folder.path)
  await backUp(repository, { a: Buffer.from('a') })
  const realTime = { ...clock, nowMs: () => Math.round(performance.timeOrigin + performance.now()) }
  const owner = { hostname: 'phonekeep-1', username: 'boot-1', pid: process.pid }
  await using _lock = await lockRepository(repository, { mode: 'shared', owner, clock: realTime, signal })
  await restic(folder.path, ['unlock'])
  await assert.rejects(restic(folder.path, ['prune']), /locked/)
  await resticBackup(folder.path, join(source.path, 'names'))

  const dead = encodeLock({ ...owner, timeMs: realTime.nowMs() - 31 * 60_000, exclusive: true })
  const left = { kind: 'lock', id: await repository.saveUnpacked('lock', dead, { signal }) } as const
  await restic(folder.path, ['unlock'])
  assert.equal(await repository.backend.load(left, { offset: 0, length: 1 }, { signal }), undefined)
})

/** The killed writer was in the middle of the next ones. */
const IN_FLIGHT_FILES = 20

test('a run killed in the middle of its work leaves the repository sound, and its packs are of use to the next', async () => {
  await using folder = await temporaryFolder()
  const { backend } = await newRepository(folder.path)
  await backUp(await reopened(folder.path), { a: Buffer.from('a') })
  const packs = async () => (await Array.fromAsync(backend.list('pack', { signal }))).length
  const packsBefore = await packs()
  const writer = spawn(process.execPath, [
    fileURLToPath(new URL('testing/killed-writer.ts', import.meta.url)),
    folder.path,
  ])
  const exited = once(writer, 'exit')
  let dots = 0
  for await (const printed of writer.stdout) {
    dots += printed.length
    if ((await packs()) >= packsBefore + 2) writer.kill('SIGKILL')
  }
  await exited
  assert.match(await restic(folder.path, ['check', '--read-data']), /no errors were found/)
  await using next = openWriter(await reopened(folder.path), { clock, signal })
  const adopted = await next.adoptOrphanPacks({ signal })
  assert.ok(adopted.packs >= 2)
  assert.deepEqual(adopted.refused, [])
  let blobs = 0
  for (let seed = 0; seed < dots + IN_FLIGHT_FILES; seed++) {
    const file = next.openFile()
    await file.write(seededBytes(seed, 3_000_000))
    blobs += (await file.finish()).content.length
  }
  await next.flush({ signal })
  assert.equal(next.stats.dataBlobs, blobs - adopted.blobs)
  const printed = await restic(folder.path, ['check', '--read-data'])
  assert.match(printed, /no errors were found/)
  assert.doesNotMatch(printed, /not referenced in any index/)
})
