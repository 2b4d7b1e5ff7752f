import { badFrame } from '../../base/channel.ts'
import { printableValue } from '../printable.ts'

declare const fromDevice: unique symbol

/**
 * Where something lies in a phone's backup: folder names from the top down, the first one the UDID that the backup is of (or
 * `<UDID>-date`, a backup that the phone put aside). At least one name; none is empty, `.` or `..`, or holds `/`, `\` or NUL. The names are
 * keys of a tree: nothing else has been checked, so they must never reach an operating system as a path.
 */
export type BackupPath = readonly string[] & { readonly [fromDevice]: true }

/** A path as the phone wrote it, which some answers must repeat byte for byte, and what it means. */
export interface NamedPath {
  readonly text: string
  readonly path: BackupPath
}

/** Longest path accepted, UTF-8. Phones send about 90 bytes. */
export const PATH_BYTES_MAX = 4096

/**
 * Reads a path that a phone sent for a backup of one of these UDIDs. A leading `/` or `./` and doubled slashes are tolerated;
 * whatever could lead out of these backups throws `wire.bad-frame`. Source: docs/protocol/mobilebackup2.md.
 */
export function parseBackupPath(text: string, udids: readonly string[]): BackupPath {
  const names = text.split('/').filter((name) => name !== '' && name !== '.')
  const top = names[0]
  const outside = names.includes('..') || /[\\\0]/.test(text) || !text.isWellFormed()
  if (
    top === undefined ||
    outside ||
    Buffer.byteLength(text) > PATH_BYTES_MAX ||
    !udids.some((udid) => isTopOf(top, udid))
  ) {
    throw badFrame(`The phone named a path outside its backup: ${printableValue(text)}`)
  }
  return names as readonly string[] as BackupPath
}

/** Parses, and keeps the text for the answer. */
export function parseNamedPath(text: string, udids: readonly string[]): NamedPath {
  return { text, path: parseBackupPath(text, udids) }
}

function isTopOf(name: string, udid: string): boolean {
  return name === udid || name.startsWith(`${udid}-`)
}
