import { utf8 } from '../../base/bytes.ts'
import type { TreeEntry, TreePath, TreeReader } from '../../repository/index.ts'

/** A stored tree as plain data: texts are files. */
export type FakeFolder = { readonly [name: string]: FakeFolder | string }

/** A tree for tests, listed in the order of names as a stored one is. */
export function fakeTree(root: FakeFolder): TreeReader {
  const at = (path: TreePath) => {
    return path.reduce<FakeFolder | string | undefined>((place, name) => {
      return typeof place === 'object' && Object.hasOwn(place, name) ? place[name] : undefined
    }, root)
  }
  return {
    async stat(path) {
      const found = at(path)
      return found === undefined ? undefined : entryOf(path.at(-1) ?? '', found)
    },
    async *list(path) {
      const folder = at(path)
      if (typeof folder !== 'object') return
      for (const name of Object.keys(folder).toSorted()) yield entryOf(name, folder[name]!)
    },
    async *readFile(path) {
      const file = at(path)
      if (typeof file !== 'string') throw new Error(`${path.join('/')} is no file`)
      for (const letter of file) yield utf8(letter)
    },
  }
}

function entryOf(name: string, place: FakeFolder | string): TreeEntry {
  const isFile = typeof place === 'string'
  return { name, kind: isFile ? 'file' : 'folder', sizeBytes: isFile ? utf8(place).length : 0, modifiedMs: 5 }
}
