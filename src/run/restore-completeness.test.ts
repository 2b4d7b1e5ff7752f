import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { BackupSetEntry } from '../backup-set/index.ts'
import { parseFileId } from '../backup-set/index.ts'
import { NEVER } from '../base/abort.ts'
import { compareWithList, listStoredFiles } from './restore-completeness.ts'
import { type FakeFolder, fakeTree } from './testing/fake-tree.ts'

const signal = NEVER
const idOf = (name: string) => createHash('sha1').update(name).digest('hex')

function entry(
  name: string,
  { kind = 'file', sizeBytes = 1 }: { kind?: BackupSetEntry['kind']; sizeBytes?: number } = {},
) {
  const fileId = parseFileId(idOf(name))
  assert.ok(fileId !== undefined)
  const record = { sizeBytes } as BackupSetEntry['record']
  return { fileId, domain: 'HomeDomain', relativePath: name, kind, record }
}

/** A backup folder with these files, by name; the content is the name unless given. */
function folderWith(files: { readonly [name: string]: string }): FakeFolder {
  const folders: { [name: string]: { [name: string]: string } } = {}
  for (const [name, content] of Object.entries(files)) {
    const id = idOf(name)
    folders[id.slice(0, 2)] ??= {}
    folders[id.slice(0, 2)]![id] = content
  }
  return { U: { ...folders, 'Manifest.db': 'four' } }
}

async function compare(folder: FakeFolder, entries: readonly BackupSetEntry[]) {
  const stored = await listStoredFiles(fakeTree(folder), ['U'], { signal })
  return { stored, completeness: await compareWithList(entries, stored, { signal }) }
}

test('every one of many files is found, in whatever order they are listed', async () => {
  const names = Array.from({ length: 5000 }, (_, index) => `file ${index}`)
  const entries = names.map((name) => entry(name)).toReversed()
  const { stored, completeness } = await compare(
    folderWith(Object.fromEntries(names.map((name) => [name, 'x']))),
    entries,
  )
  assert.deepEqual(completeness, { kind: 'compared', files: 5000, missing: 0, emptied: 0, examples: [] })
  assert.deepEqual([stored.count, stored.bytes], [5000, 5004])
})

test('missing and emptied files are counted, and some of them named', async () => {
  const entries = ['kept', 'gone', 'emptied', 'empty'].map((name) =>
    entry(name, { sizeBytes: name === 'empty' ? 0 : 9 }),
  )
  const { completeness } = await compare(folderWith({ kept: 'x', emptied: '', empty: '' }), entries)
  const examples = [idOf('gone'), idOf('emptied')]
  assert.deepEqual(completeness, { kind: 'compared', files: 4, missing: 1, emptied: 1, examples })
})

test('folders and links have no data to miss', async () => {
  const entries = [entry('folder', { kind: 'folder' }), entry('link', { kind: 'link' })]
  const { completeness } = await compare(folderWith({}), entries)
  assert.deepEqual(completeness, { kind: 'compared', files: 0, missing: 0, emptied: 0, examples: [] })
})

test('a file in the wrong folder, or under no file id, does not count', async () => {
  const id = idOf('misplaced')
  const elsewhere = id.startsWith('00') ? '01' : '00'
  const folder = { U: { [elsewhere]: { [id]: 'x' }, [id.slice(0, 2)]: { [id.toUpperCase()]: 'x' }, 0: { [id]: 'x' } } }
  const { stored, completeness } = await compare(folder, [entry('misplaced')])
  assert.equal(stored.count, 0)
  assert.equal(completeness.kind === 'compared' && completeness.missing, 1)
})

test('of many missing files only a few are named', async () => {
  const entries = Array.from({ length: 100 }, (_, index) => entry(`file ${index}`))
  const { completeness } = await compare(folderWith({}), entries)
  assert.ok(completeness.kind === 'compared' && completeness.missing === 100 && completeness.examples.length === 5)
})

test('an abort ends a long comparison', async () => {
  const abort = new AbortController()
  const stored = await listStoredFiles(fakeTree(folderWith({})), ['U'], { signal })
  function* endless() {
    for (;;) yield entry('again')
  }
  const comparing = compareWithList(endless(), stored, { signal: abort.signal })
  abort.abort(new Error('enough'))
  await assert.rejects(comparing, /enough/)
})
