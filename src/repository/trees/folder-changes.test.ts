import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FileEntry } from './file-records.ts'
import { ChangeStore, FolderChanges } from './folder-changes.ts'
import { type Entry, openFolder } from './tree-entry.ts'

const hashName = (n: number) => createHash('sha1').update(String(n)).digest('hex')
const idOf = (n: number) => createHash('sha256').update(String(n)).digest('hex')

function fileOf(n: number): FileEntry {
  return { kind: 'file', ids: idOf(n), sizeBytes: n, modifiedMs: 1_700_000_000_000 + n, mode: 0o600 }
}

const name = fc.oneof(
  fc.nat({ max: 30 }).map(hashName),
  fc.constantFrom('Info.plist', 'ü', hashName(1).toUpperCase(), hashName(1).slice(1), `${hashName(1)}0`, '__proto__'),
)
const file = fc
  .tuple(
    fc.array(fc.nat().map(idOf), { maxLength: 3 }),
    fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 0.5)),
    fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1, -(2 ** 32), 0.5, 2 ** 53)),
    fc.constantFrom(0, 0o600, 0o777, 0o4755),
  )
  .map(([ids, sizeBytes, modifiedMs, mode]): FileEntry => {
    return { kind: 'file', ids: ids.join(''), sizeBytes, modifiedMs, mode }
  })

test('a folder gives back what was put into it last, whatever it is and whatever was taken out between', () => {
  const change = fc.record({ name, file: fc.option(file, { nil: undefined }) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (steps) => {
      const changes = new FolderChanges(new ChangeStore())
      const model = new Map<string, Entry>()
      for (const each of steps) {
        if (each.file === undefined) {
          changes.remove(each.name)
          model.delete(each.name)
        } else {
          changes.set(each.name, each.file)
          model.set(each.name, each.file)
        }
      }
      assert.deepEqual([...changes.names()].toSorted(), [...model.keys()].toSorted())
      for (const step of steps) {
        assert.deepEqual(changes.get(step.name), model.get(step.name))
        assert.equal(changes.has(step.name), model.has(step.name))
      }
    }),
  )
})

/** What `npm test` holds the memory of a run to; the same is measured of a whole process in test/e2e/memory.test.ts. */
const FILE_BYTES_MAX = 82
const FILES = 40_000
const FOLDERS = 16

function foldersOf(store: ChangeStore): readonly FolderChanges[] {
  return Array.from({ length: FOLDERS }, () => new FolderChanges(store))
}

function bytesOf(store: ChangeStore, folders: readonly FolderChanges[]): number {
  return folders.reduce((sum, folder) => sum + folder.bytes, store.records.bytes)
}

test(`a changed file takes at most ${FILE_BYTES_MAX} bytes, and moving all of them elsewhere only their slots again`, () => {
  const store = new ChangeStore()
  const from = foldersOf(store)
  const to = foldersOf(store)
  for (let n = 0; n < FILES; n++) from[n % FOLDERS]!.set(hashName(n), fileOf(n))
  assert.ok(bytesOf(store, from) <= FILES * FILE_BYTES_MAX)
  const recordBytes = store.records.bytes
  for (let n = 0; n < FILES; n++) {
    from[n % FOLDERS]!.take(hashName(n))
    to[n % FOLDERS]!.set(hashName(n), fileOf(n))
  }
  assert.equal(store.records.bytes, recordBytes)
  for (let n = 0; n < FILES; n += 97) assert.deepEqual(to[n % FOLDERS]!.get(hashName(n)), fileOf(n))
})

test('what a folder held is free for others when the folder is replaced, removed or cleared', () => {
  const store = new ChangeStore()
  const top = new FolderChanges(store)
  const file = fileOf(1)
  const fill = () => {
    const folder = openFolder('', undefined, store)
    const below = openFolder('', undefined, store)
    for (let n = 0; n < 5000; n++) below.changes.set(hashName(n), fileOf(n))
    folder.changes.set('below', below)
    top.set('folder', folder)
  }
  fill()
  const { bytes } = store.records
  for (const free of [() => top.set('folder', file), () => top.remove('folder'), () => top.clear()]) {
    free()
    fill()
    assert.equal(store.records.bytes, bytes)
  }
})

test('a folder that is put where it is stays whole; one that was taken keeps what it holds', () => {
  const store = new ChangeStore()
  const top = new FolderChanges(store)
  const folder = openFolder('', undefined, store)
  folder.changes.set(hashName(1), fileOf(1))
  top.set('a', folder)
  top.set('a', folder)
  top.take('a')
  top.set('b', folder)
  assert.deepEqual(folder.changes.get(hashName(1)), fileOf(1))
})
