import type { Id } from '../format/id.ts'
import type { HurtPath } from './hurt-trees.ts'

/** What can be wrong with a repository. */
export type CheckFindingKind =
  | 'index-damaged'
  | 'index-conflict'
  | 'index-duplicate'
  | 'pack-missing'
  | 'pack-size'
  | 'pack-orphan'
  | 'pack-damaged'
  | 'pack-header'
  | 'snapshot-damaged'
  | 'tree-damaged'
  | 'blob-missing'
  | 'file-damaged'

/** One thing that is wrong. */
export interface CheckFinding {
  readonly kind: CheckFindingKind
  /** `damage`: something cannot be restored as it was. `hint`: it costs room at most. */
  readonly severity: 'damage' | 'hint'
  /** The file, tree or blob it is about. */
  readonly subject: string
  /** What is wrong, for a person. */
  readonly sentence: string
}

/** A file or folder of one snapshot that cannot be restored as it was. */
export interface HurtFile extends HurtPath {
  readonly snapshot: Id
}

/** A snapshot that cannot be restored as it was, as long as nothing is repaired. */
export interface HurtSnapshot {
  readonly id: Id
  /** RFC 3339; undefined when the snapshot's own file is damaged, which loses all of it. */
  readonly time: string | undefined
  readonly hostname: string | undefined
  readonly files: number
  /** With everything in them. */
  readonly folders: number
  /** The first twenty of them. */
  readonly paths: readonly HurtPath[]
}

/** How far a check is. */
export interface CheckProgress {
  readonly treesRead: number
  /** Of `packs`, when the data is read. */
  readonly packsRead: number
  readonly packs: number
  /** Of `bytes`, when the data is read. */
  readonly bytesRead: number
  readonly bytes: number
}

/** What a check saw. */
export interface CheckReport {
  /** True without any damage; hints do not count. */
  readonly ok: boolean
  /** The first thousand. */
  readonly findings: readonly CheckFinding[]
  /** All, also those beyond the first thousand. */
  readonly findingCount: number
  /** Those that can be read. */
  readonly snapshots: number
  readonly trees: number
  readonly packs: number
  readonly blobs: number
  /** How many packs were read whole. */
  readonly packsRead: number
  /** Snapshots of which nothing that was looked at is wrong, oldest first. */
  readonly sound: readonly Id[]
  /** The other ones, oldest first. */
  readonly hurt: readonly HurtSnapshot[]
}
