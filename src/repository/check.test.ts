import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../base/bytes.ts'
import { seededRandom } from '../base/random.ts'
import { pathOf } from './backend/backend.ts'
import { type CheckFindingKind, checkRepository } from './check.ts'
import { type Id, sha256 } from './id.ts'
import { decodeIndexFile, encodeIndexFile, type IndexedPack } from './index-file.ts'
import type { Repository } from './repository.ts'
import { saveSnapshot } from './snapshot.ts'
import { seededBytes } from './testing/bytes.ts'
import type { MemoryBackend } from './testing/memory-backend.ts'
import { backUp, memoryRepository, openedAgain } from './testing/repositories.ts'
import { clock, signal } from './testing/restic.ts'
import { encodeFile, encodeFolder, encodeTree } from './tree.ts'
import { openWriter } from './writer.ts'

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
  const progress: number[] = []
  const onProgress = ({ packsRead }: { packsRead: number }) => progress.push(packsRead)
  const report = await checkRepository(repository, { readData: true, signal, onProgress })
  assert.deepEqual(report, { ok: true, findings: [], findingCount: 0, snapshots: 2, trees: 5, packs: 4, blobs: 8 })
  assert.equal(Math.max(...progress), 4)
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
