import type { Entry, Place, Traits } from './entry.ts'
import type { Source } from './source.ts'

/** What a new entry is; parents are made as needed. */
export type NewEntry = Place & {
  readonly traits: Traits
  readonly modifiedS: number
  readonly changedS?: number
  readonly bornS?: number
  readonly inode?: number
} & (
    | { readonly source: Source; readonly seed: number; readonly size: number }
    | { readonly target: string }
    | { readonly folder: true }
  )

/** An entry in memory, without its place. */
export interface Node {
  traits: Traits
  inode: number
  modifiedS: number
  changedS: number
  bornS: number
  size: number
  seed: number
  /** The bytes of a file, the target of a link, nothing for a folder. */
  content: Source | string | undefined
}

function sizeOf(entry: NewEntry): number {
  return 'size' in entry ? entry.size : 0
}

export function nodeOf(entry: NewEntry, inode: number): Node {
  return {
    traits: entry.traits,
    inode,
    modifiedS: entry.modifiedS,
    changedS: entry.changedS ?? entry.modifiedS,
    bornS: entry.bornS ?? entry.modifiedS,
    size: sizeOf(entry),
    seed: 'seed' in entry ? entry.seed : 0,
    content: 'source' in entry ? entry.source : 'target' in entry ? entry.target : undefined,
  }
}

export function entryOf({ domain, relativePath }: Place, node: Node): Entry {
  const { kind, mode, userId, groupId, protectionClass, flags } = node.traits
  const { inode, modifiedS, changedS, bornS, size, content } = node
  const entry = {
    domain,
    relativePath,
    kind,
    mode,
    userId,
    groupId,
    protectionClass,
    flags,
    inode,
    modifiedS,
    changedS,
    bornS,
    size,
  }
  return typeof content === 'string' ? { ...entry, target: content } : entry
}
