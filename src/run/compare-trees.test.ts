import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import type { TreeEntry, TreePath, TreeReader } from '../repository/index.ts'
import { compareTrees } from './compare-trees.ts'

type Folder = { readonly [name: string]: Folder | readonly [sizeBytes: number, modifiedMs: number] }

/** As much of a tree as the comparison looks at. */
function treeOf(root: Folder): TreeReader {
  const folderAt = (path: TreePath) => path.reduce<Folder>((folder, name) => (folder[name] ?? {}) as Folder, root)
  return {
    stat: async () => assert.fail('not needed'),
    readFile: () => assert.fail('not needed'),
    async *list(path) {
      for (const [name, value] of Object.entries(folderAt(path))) yield entryOf(name, value)
    },
  }
}

function entryOf(name: string, value: Folder | readonly [number, number]): TreeEntry {
  if (!Array.isArray(value)) return { name, kind: 'folder', sizeBytes: 0, modifiedMs: 0 }
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

test('files are told apart by size and time, and a folder has changed when anything in it has', async () => {
  const before = treeOf({
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
  const { files, folders } = await compareTrees(treeOf({ a: { x: [1, 1] } }), treeOf({ a: [1, 1] }), { signal: NEVER })
  assert.deepEqual(files, { added: 1, changed: 0, unmodified: 0 })
  assert.deepEqual(folders, { added: 1, changed: 0, unmodified: 0 })
})
