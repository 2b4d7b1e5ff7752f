import { concatBytes } from '../../base/bytes.ts'
import { type Backend, type HashedKind, pathOf, type StoredName } from '../backend/backend.ts'
import { damaged } from '../errors.ts'
import { parseId } from '../format/id.ts'

/** A backend in memory. `files` is what it holds, by path; tests may change it behind the repository's back. */
export interface MemoryBackend extends Backend {
  readonly files: Map<string, Uint8Array>
}

/** Begins with these files, or empty. */
export function createMemoryBackend(files = new Map<string, Uint8Array>()): MemoryBackend {
  return {
    files,
    location: 'memory',
    prepare: async ({ signal }) => signal.throwIfAborted(),
    save: async (name, pieces, { signal }) => {
      signal.throwIfAborted()
      const bytes = concatBytes(pieces)
      signal.throwIfAborted()
      const existing = files.get(pathOf(name))
      if (existing !== undefined && existing.length !== bytes.length) throw damaged(pathOf(name), 'it has another size')
      if (existing === undefined) files.set(pathOf(name), bytes.slice())
    },
    load: async (name, { offset, length }, { signal }) => {
      signal.throwIfAborted()
      return files.get(pathOf(name))?.slice(offset, offset + length)
    },
    list: async function* (kind, { signal }) {
      for (const [path, bytes] of [...files]) {
        signal.throwIfAborted()
        const name = nameOf(kind, path)
        if (name !== undefined) yield { id: name, sizeBytes: bytes.length }
      }
    },
    remove: async (name, { signal }) => {
      signal.throwIfAborted()
      return files.delete(pathOf(name))
    },
    removeLeftovers: async () => 0,
    freeBytes: async () => 1024 ** 4,
  }
}

function nameOf(kind: HashedKind, path: string) {
  const id = parseId(path.split('/').at(-1))
  if (id === undefined) return undefined
  const name: StoredName = { kind, id }
  return pathOf(name) === path ? id : undefined
}
