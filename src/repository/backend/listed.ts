import { type Id, parseId } from '../format/id.ts'
import { type HashedKind, pathOf } from './backend.ts'

/** The id of a file that a listing names by its path in the repository; undefined for anything that is none of its files. */
export function parseListedId(kind: HashedKind, path: string): Id | undefined {
  const id = parseId(path.slice(path.lastIndexOf('/') + 1))
  return id !== undefined && pathOf({ kind, id }) === path ? id : undefined
}
