import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { seededRandom } from '../../base/random.ts'
import { type Backend, pathOf } from '../backend/backend.ts'
import { storageFailed } from '../errors.ts'
import { type Id, sha256 } from '../format/id.ts'
import { encodeKeyFile } from '../format/key.ts'
import { BlobIndex } from '../indexes/blob-index.ts'
import { decodeIndexFile, encodeIndexFile, type IndexedPack } from '../indexes/index-file.ts'
import type { Repository } from '../repository.ts'
import { saveSnapshot } from '../snapshots/snapshot.ts'
import { seededBytes } from '../testing/bytes.ts'
import { createTestClock } from '../testing/clock.ts'
import type { MemoryBackend } from '../testing/memory-backend.ts'
import { backUp, memoryRepository, openedAgain } from '../testing/repositories.ts'
import { CHEAP_KDF, clock, PASSWORD, signal } from '../testing/restic.ts'
import { encodeFile, encodeFolder, encodeTree } from '../trees/tree.ts'
import { openWriter } from '../write/writer.ts'
import { type CheckOptions, checkRepository } from './check.ts'
import type { CheckFindingKind, CheckProgress, HurtFile } from './check-report.ts'

interface Backup {
  readonly backend: MemoryBackend
  readonly repository: Repository
}

async function smallBackup(): Promise<Backup> {
  const { backend, repository } = await memoryRepository()
  await backUp(repository, { 'u/a': seededBytes(1, 3000), 'u/b/c': Buffer.from('c') })
  await backUp(repository, { 'u/d': Buffer.from('d') })
  return { backend, repository }
}

async function findings({ repository }: Backup, readData = true): Promise<readonly CheckFindingKind[]> {
  const report = await checkRepository(repository, { readData, signal })
  assert.equal(
    report.ok,
    report.findings.every((finding) => finding.severity === 'hint'),
  )
  assert.equal(report.findingCount, report.findings.length)
  return [...new Set(report.findings.map((finding) => finding.kind))]
}

const pathsOf = ({ backend }: Backup, folder: string) =>
  [...backend.files.keys()].filter((path) => path.startsWith(folder))

/** The pack with the blob of this content. */
function packPath({ repository }: Backup, content: string): string {
  return pathOf({ kind: 'pack', id: repository.index.find('data', sha256(utf8(content)))!.packId })
}

function flip({ backend }: Backup, path: string, at: number): void {
  const bytes = Buffer.from(backend.files.get(path)!)
  bytes[at]! ^= 1
  backend.files.set(path, bytes)
}

/** Writes all index files anew, edited. */
async function editIndex(
  { backend, repository }: Backup,
  edit: (packs: readonly IndexedPack[]) => readonly IndexedPack[],
) {
  for (const path of pathsOf({ backend, repository }, 'index/')) {
    const text = await repository.loadUnpacked('index', path.split('/')[1] as Id, { signal })
    backend.files.delete(path)
    await repository.saveUnpacked('index', encodeIndexFile(edit(decodeIndexFile(text!, 'index').packs)), { signal })
  }
}

test('a sound repository has no findings, and the figures say what was seen', async () => {
  const { repository } = await smallBackup()
  const progress: CheckProgress[] = []
  const onProgress = (state: CheckProgress) => progress.push(state)
  const { sound, ...report } = await checkRepository(repository, { readData: true, signal, onProgress })
  const figures = { snapshots: 2, trees: 5, packs: 4, blobs: 8, packsRead: 4 }
  assert.deepEqual(report, { ok: true, findings: [], findingCount: 0, hurt: [], ...figures })
  assert.equal(sound.length, 2)
  const last = progress.at(-1)
  assert.deepEqual([last?.packsRead, last?.treesRead], [4, 5])
  assert.ok(last !== undefined && last.bytesRead === last.bytes && last.bytes > 3000)
})

test('an empty repository is sound', async () => {
  assert.deepEqual(await findings(await memoryRepository()), [])
})

test('a missing pack is found without reading the data', async () => {
  const backup = await smallBackup()
  backup.backend.files.delete(packPath(backup, 'c'))
  assert.deepEqual(await findings(backup, false), ['pack-missing'])
})

test('a truncated pack is found without reading the data', async () => {
  const backup = await smallBackup()
  const path = packPath(backup, 'c')
  backup.backend.files.set(path, backup.backend.files.get(path)!.subarray(1))
  assert.deepEqual(await findings(backup, false), ['pack-size'])
})

test('a pack that no index lists is a hint', async () => {
  const backup = await smallBackup()
  const listed = packPath(backup, 'd')
  await editIndex(backup, (packs) => packs.filter(({ id }) => !listed.endsWith(id)))
  assert.deepEqual(await findings(backup, false), ['pack-orphan', 'blob-missing'])
})

test('the same pack in two index files is a hint, with other contents it is damage', async () => {
  const backup = await smallBackup()
  await editIndex(backup, (packs) => packs)
  const [path] = pathsOf(backup, 'index/')
  const text = await backup.repository.loadUnpacked('index', path!.split('/')[1] as Id, { signal })
  const { packs } = decodeIndexFile(text!, 'index')
  await backup.repository.saveUnpacked('index', encodeIndexFile(packs), { signal })
  assert.deepEqual(await findings(backup, false), ['index-duplicate'])
  const swapped = packs.map((pack) => ({
    ...pack,
    blobs: pack.blobs.map((blob) => ({ ...blob, id: sha256(utf8('x')) })),
  }))
  await backup.repository.saveUnpacked('index', encodeIndexFile(swapped), { signal })
  assert.ok((await findings(backup, false)).includes('index-conflict'))
})

test('an index that lists other blobs than the pack is found when the data is read', async () => {
  const backup = await smallBackup()
  await editIndex(backup, (packs) =>
    packs.map((pack) => ({
      ...pack,
      blobs: pack.blobs.map((blob) => ({ ...blob, uncompressedLength: blob.uncompressedLength + 1 })),
    })),
  )
  assert.ok((await findings(backup)).includes('pack-header'))
})

test('a snapshot that cannot be read does not hide the others', async () => {
  const backup = await smallBackup()
  flip(backup, pathsOf(backup, 'snapshots/')[0]!, 40)
  const report = await checkRepository(backup.repository, { readData: false, signal })
  assert.deepEqual(
    report.findings.map((finding) => finding.kind),
    ['snapshot-damaged'],
  )
  assert.equal(report.snapshots, 1)
})

test('a file that needs a blob that is nowhere is named with its path', async () => {
  const { repository } = await memoryRepository()
  const nowhere = sha256(utf8('nowhere'))
  await using writer = openWriter(repository, { clock, signal })
  const file = encodeFile('lost', { content: [nowhere], sizeBytes: 7, modifiedMs: 0, mode: 0o600 })
  const below = await writer.saveBlob('tree', utf8(encodeTree([file])))
  const folder = encodeFolder('u', { subtree: below, modifiedMs: 0, mode: 0o700 })
  const broken = encodeFolder('v', { subtree: nowhere, modifiedMs: 0, mode: 0o700 })
  const tree = await writer.saveBlob('tree', utf8(encodeTree([folder, broken])))
  await writer.flush({ signal })
  await saveSnapshot(repository, { time: '2026-01-02T03:04:05Z', tree, paths: ['/u'] }, { signal })
  const report = await checkRepository(repository, { readData: false, signal })
  assert.deepEqual(report.findings.map(({ kind }) => kind).sort(), ['blob-missing', 'tree-damaged'])
  const missing = report.findings.find(({ kind }) => kind === 'blob-missing')
  assert.equal(missing?.subject, `blob ${nowhere}`)
  assert.match(missing.sentence, /:\/u\/lost$/)
})

test('every flipped bit in any file is found when the data is read', async () => {
  const original = await smallBackup()
  const random = seededRandom(20260102)
  for (let turn = 0; turn < 150; turn++) {
    const { backend, repository } = original
    const path = random.pick([...backend.files.keys()].filter((each) => each !== 'config'))
    const kept = backend.files.get(path)!
    const changed = Buffer.from(kept)
    changed[random.below(changed.length)]! ^= 1 << random.below(8)
    backend.files.set(path, changed)
    const report = await checkRepository(repository, { readData: true, signal })
    assert.equal(report.ok, false, `a flipped bit in ${path}`)
    assert.ok(
      report.findings.some((finding) => finding.subject.includes(path.split('/').at(-1)!)),
      path,
    )
    backend.files.set(path, kept)
  }
})

test('every lost file that something needs is found without reading the data', async () => {
  const { backend, repository } = await smallBackup()
  for (const path of [...backend.files.keys()].filter((each) => /^(data|index)\//.test(each))) {
    const kept = backend.files.get(path)!
    backend.files.delete(path)
    assert.equal((await checkRepository(repository, { readData: false, signal })).ok, false, path)
    backend.files.set(path, kept)
  }
})

test('an aborted check rejects with the reason', async () => {
  const { repository } = await smallBackup()
  const abort = new AbortController()
  const onProgress = () => abort.abort(new Error('enough'))
  await assert.rejects(checkRepository(repository, { readData: true, signal: abort.signal, onProgress }), /enough/)
})

test('a check leaves the index of the repository that it was given alone', async () => {
  const { repository, backend } = await smallBackup()
  const { index } = repository
  await checkRepository(await openedAgain(backend), { readData: false, signal })
  await checkRepository(repository, { readData: false, signal })
  assert.equal(repository.index, index)
})

/** What a check tells of hurt files, without the rest. */
async function hurtOf({ repository }: Backup, options: Partial<CheckOptions> = {}): Promise<readonly HurtFile[]> {
  const hurt: HurtFile[] = []
  await checkRepository(repository, { readData: true, signal, onHurt: (each) => hurt.push(each), ...options })
  return hurt
}

test('every file that is hurt is named in each of its snapshots, with what hurts it', async () => {
  const { backend, repository } = await memoryRepository()
  const first = await backUp(repository, { 'u/a': Buffer.from('lost'), 'u/b/c': Buffer.from('kept') })
  const second = await backUp(repository, { 'u/copy': Buffer.from('lost'), 'u/new': Buffer.from('new') }, first.tree)
  const third = await backUp(repository, { 'u/new': Buffer.from('new') })
  const path = packPath({ backend, repository }, 'lost')
  flip({ backend, repository }, path, 20)
  const report = await checkRepository(repository, { readData: true, signal })
  const files = (count: number, paths: readonly string[]) => ({
    files: count,
    folders: 0,
    paths: paths.map((each) => ({ path: each, kind: 'file', because: path })),
  })
  const about = (snapshot: typeof first) => ({ id: snapshot.id, time: snapshot.time, hostname: 'iphone' })
  assert.deepEqual(
    new Set(report.hurt),
    new Set([
      { ...about(first), ...files(1, ['/u/a']) },
      { ...about(second), ...files(2, ['/u/a', '/u/copy']) },
    ]),
  )
  assert.deepEqual(report.sound, [third.id])
})

test('a folder whose tree is gone is hurt with everything in it', async () => {
  const { backend, repository } = await memoryRepository()
  const { id } = await backUp(repository, { 'u/a': Buffer.from('a'), 'u/b/c': Buffer.from('c') })
  const [tree] = (await hurtOf({ backend, repository })).map(({ path }) => path)
  assert.equal(tree, undefined)
  for (const path of pathsOf({ backend, repository }, 'data/')) {
    const kept = backend.files.get(path)!
    backend.files.delete(path)
    const isTrees = repository.index.blobsOf(path.split('/').at(-1) as Id)[0]?.type === 'tree'
    const hurt = await hurtOf({ backend, repository }, { readData: false })
    if (isTrees) assert.deepEqual(hurt, [{ snapshot: id, path: '/', kind: 'folder', because: path }])
    else assert.deepEqual(hurt.map((each) => each.path).toSorted(), ['/u/a', '/u/b/c'])
    backend.files.set(path, kept)
  }
})

test('a damaged blob that lies in another pack as well hurts nobody', async () => {
  const { backend, repository } = await memoryRepository()
  await backUp(repository, { a: Buffer.from('twice') })
  const beside = await openedAgain(backend)
  beside.index = new BlobIndex()
  await backUp(beside, { a: Buffer.from('twice'), b: Buffer.from('b') })
  const copies = (await openedAgain(backend)).index.findAll('data', sha256(utf8('twice')))
  assert.equal(copies.length, 2)
  for (const { packId } of copies) {
    const path = pathOf({ kind: 'pack', id: packId })
    flip({ backend, repository }, path, 20)
    const report = await checkRepository(repository, { readData: true, signal })
    assert.deepEqual([report.ok, report.hurt], [false, []])
    flip({ backend, repository }, path, 20)
  }
})

test('a flipped bit in what a key file says of itself is found, though restic opens with it', async () => {
  const backup = await smallBackup()
  const label = { createdMs: 0, hostname: 'a', username: 'b' }
  const key = await encodeKeyFile(backup.repository.sealer.masterKey, { password: PASSWORD, cost: CHEAP_KDF, label })
  const path = pathOf({ kind: 'key', id: sha256(key) })
  backup.backend.files.set(path, key)
  assert.deepEqual(await findings(backup, false), [])
  flip(backup, path, Buffer.from(key).indexOf('"a"') + 1)
  assert.deepEqual(await findings(backup, false), ['file-damaged'])
})

test('a config that was changed since it was opened is found', async () => {
  const backup = await smallBackup()
  flip(backup, 'config', 30)
  assert.deepEqual(await findings(backup, false), ['file-damaged'])
  backup.backend.files.delete('config')
  assert.deepEqual(await findings(backup, false), ['file-damaged'])
})

/** A record of verified packs in memory. */
function memoryOf(verified: Map<Id, number>, clock: Clock = createTestClock()) {
  const write = async (now: ReadonlyMap<Id, number>) => {
    for (const id of verified.keys()) if (!now.has(id)) verified.delete(id)
    for (const [id, timeMs] of now) verified.set(id, timeMs)
  }
  return { verified: { read: async () => new Map(verified), write }, clock }
}

test('night by night, what was not verified for the longest time is read first', async () => {
  const { repository } = await smallBackup()
  const verified = new Map<Id, number>()
  const clock = createTestClock()
  const nights: number[] = []
  for (let night = 0; night < 4; night++) {
    const readData = { kind: 'oldest', bytesMax: 1 } as const
    const { packsRead } = await checkRepository(repository, { readData, signal, memory: memoryOf(verified, clock) })
    assert.equal(packsRead, 1)
    nights.push(verified.size)
    await clock.advance(60_000)
  }
  assert.deepEqual(nights, [1, 2, 3, 4])
  const [oldest] = [...verified].toSorted(([, left], [, right]) => left - right)[0] ?? []
  const readData = { kind: 'oldest', bytesMax: 1 } as const
  await checkRepository(repository, { readData, signal, memory: memoryOf(verified, clock) })
  assert.equal(Math.max(...verified.values()), verified.get(oldest!))
})

test('a limit of time ends the reading between two packs, and what was read is noted', async () => {
  const { repository } = await smallBackup()
  const verified = new Map<Id, number>()
  const clock = createTestClock()
  const onProgress = ({ packsRead }: CheckProgress) => {
    if (packsRead === 1) void clock.advance(60_000)
  }
  const readData = { kind: 'oldest', msMax: 60_000 } as const
  const memory = memoryOf(verified, clock)
  const { packsRead, trees } = await checkRepository(repository, { readData, signal, memory, onProgress })
  assert.ok(packsRead >= 1 && packsRead < 4)
  assert.equal(verified.size, packsRead)
  assert.equal(trees, 5)
})

test('a damaged pack is not noted as verified, and a pack that is gone is forgotten', async () => {
  const backup = await smallBackup()
  const gone = sha256(utf8('gone'))
  const path = packPath(backup, 'c')
  flip(backup, path, 3)
  const verified = new Map([
    [gone, 1000],
    [path.split('/').at(-1) as Id, 1000],
  ])
  await checkRepository(backup.repository, { readData: true, signal, memory: memoryOf(verified) })
  assert.equal(verified.has(gone), false)
  assert.equal(verified.has(path.split('/').at(-1) as Id), false)
  assert.equal(verified.size, 3)
})

test('what can no longer be read at all is a finding, and the rest is checked', async () => {
  const backup = await smallBackup()
  const broken = packPath(backup, 'c')
  const { load } = backup.backend
  const backend: Backend = {
    ...backup.backend,
    load: async (name, range, options) => {
      if (pathOf(name) === broken) throw storageFailed(Object.assign(new Error('EIO'), { code: 'EIO' }), READING)
      return await load(name, range, options)
    },
  }
  const report = await checkRepository(await openedAgain(backend), { readData: true, signal })
  assert.deepEqual(
    report.findings.map(({ kind, subject }) => [kind, subject]),
    [['pack-damaged', broken]],
  )
  assert.equal(report.hurt.length, 1)
  assert.match(report.findings[0]?.sentence ?? '', /EIO/)
})

const READING = { doing: 'read', what: 'a pack' } as const
