import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import { parseId, type Snapshot, type TreeEntry, type TreePath, type TreeReader } from '../repository/index.ts'
import { compareTrees, totalsOf } from './compare-trees.ts'

/** A text is the id of a tree that nobody may look into. */
type Folder = { readonly [name: string]: Folder | string | readonly [sizeBytes: number, modifiedMs: number] }

/** As much of a tree as the comparison looks at. */
function treeOf(root: Folder): TreeReader {
  const folderAt = (path: TreePath) =>
    path.reduce<Folder>((folder, name) => {
      const next = folder[name] ?? {}
      return typeof next === 'object' && !isFile(next) ? next : assert.fail('not to be looked into')
    }, root)
  return {
    stat: async () => assert.fail('not needed'),
    readFile: () => assert.fail('not needed'),
    async *list(path) {
      for (const [name, value] of Object.entries(folderAt(path))) yield entryOf(name, value)
    },
  }
}

/** The digit, 64 times. */
function idOf(digit: string) {
  return parseId(digit.repeat(64)) ?? assert.fail()
}

function isFile(value: Folder[string]): value is readonly [number, number] {
  return Array.isArray(value)
}

function entryOf(name: string, value: Folder[string]): TreeEntry {
  const folder = { name, kind: 'folder', sizeBytes: 0, modifiedMs: 0 } as const
  if (typeof value === 'string') return { ...folder, subtree: idOf(value) }
  if (!isFile(value)) return folder
  const [sizeBytes, modifiedMs] = value
  return { name, kind: 'file', sizeBytes, modifiedMs }
}

test('without a parent everything is new', async () => {
  const comparison = await compareTrees(treeOf({ a: { x: [1, 1], y: [2, 1] }, b: {} }), undefined, { signal: NEVER })
  assert.deepEqual(comparison, {
    files: { added: 2, changed: 0, unmodified: 0 },
    folders: { added: 2, changed: 0, unmodified: 0 },
    totalFiles: 2,
    totalBytes: 3,
  })
})

/** The totals are counted. */
const countedFirst = (root: Folder) => ({ tree: treeOf(root), totals: undefined })

test('files are told apart by size and time, and a folder has changed when anything in it has', async () => {
  const before = countedFirst({
    kept: { x: [1, 1] },
    grown: { x: [1, 1] },
    touched: { x: [1, 1] },
    lost: { x: [1, 1], y: [1, 1] },
  })
  const after = treeOf({
    kept: { x: [1, 1] },
    grown: { x: [2, 1] },
    touched: { x: [1, 2] },
    lost: { x: [1, 1] },
    made: { x: [1, 2] },
  })
  const { files, folders } = await compareTrees(after, before, { signal: NEVER })
  assert.deepEqual(files, { added: 1, changed: 2, unmodified: 2 })
  assert.deepEqual(folders, { added: 1, changed: 3, unmodified: 1 })
})

test('a file that became a folder is new inside', async () => {
  const { files, folders } = await compareTrees(treeOf({ a: { x: [1, 1] } }), countedFirst({ a: [1, 1] }), {
    signal: NEVER,
  })
  assert.deepEqual(files, { added: 1, changed: 0, unmodified: 0 })
  assert.deepEqual(folders, { added: 1, changed: 0, unmodified: 0 })
})

test('a tree that is the same in both is not looked into, and counts as the snapshot before has it', async () => {
  const before = {
    tree: treeOf({ a: { x: [5, 1] }, b: '1', c: '2' }),
    totals: { files: 100, folders: 10, bytes: 1000 },
  }
  const after = treeOf({ a: { x: [7, 2], y: [1, 2] }, b: '1', c: '2' })
  assert.deepEqual(await compareTrees(after, before, { signal: NEVER }), {
    files: { added: 1, changed: 1, unmodified: 99 },
    folders: { added: 0, changed: 1, unmodified: 9 },
    totalFiles: 101,
    totalBytes: 1003,
  })
})

test('what was removed is taken off, with all that was below', async () => {
  const before = { tree: treeOf({ a: { b: { x: [5, 1] } }, y: [1, 1] }), totals: { files: 2, folders: 2, bytes: 6 } }
  assert.deepEqual(await compareTrees(treeOf({ y: [1, 1] }), before, { signal: NEVER }), {
    files: { added: 0, changed: 0, unmodified: 1 },
    folders: { added: 0, changed: 0, unmodified: 0 },
    totalFiles: 1,
    totalBytes: 1,
  })
})

test('totals that cannot be right lead to no count below zero', async () => {
  const before = { tree: treeOf({ x: [5, 1], a: {} }), totals: { files: 0, folders: 0, bytes: 0 } }
  const { totalFiles, totalBytes, folders } = await compareTrees(treeOf({}), before, { signal: NEVER })
  assert.deepEqual([totalFiles, totalBytes, folders.unmodified], [0, 0, 0])
})

test('a snapshot that says nothing of its tree, or was rewritten, is counted', () => {
  const summary = {
    ...{ backup_start: '', backup_end: '', files_new: 1, files_changed: 2, files_unmodified: 4 },
    ...{ dirs_new: 1, dirs_changed: 2, dirs_unmodified: 4, data_blobs: 0, tree_blobs: 0, data_added: 0 },
    ...{ data_added_packed: 0, total_files_processed: 7, total_bytes_processed: 9 },
  }
  const snapshot: Snapshot = { id: idOf('1'), tree: idOf('2'), time: '2026-01-02T03:04:05Z', paths: [] }
  assert.equal(totalsOf(snapshot), undefined)
  assert.equal(totalsOf({ ...snapshot, summary, original: idOf('3') }), undefined)
  assert.deepEqual(totalsOf({ ...snapshot, summary }), { files: 7, folders: 7, bytes: 9 })
})
