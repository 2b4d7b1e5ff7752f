import { createHash } from 'node:crypto'

/** 40 lower-case hex digits: the name of a file's data in a backup, and with it a safe name for a path. */
export type FileId = string & { readonly [fileId]: true }
declare const fileId: unique symbol

/**
 * The SHA-1 of `<domain>-<relativePath>` in UTF-8, both exactly as stored: no normalisation, no change of case. The root of
 * a domain has the empty path. Source: docs/protocol/backup-set.md#file-ids
 */
export function fileIdOf({ domain, relativePath }: { domain: string; relativePath: string }): FileId {
  return createHash('sha1').update(`${domain}-${relativePath}`).digest('hex') as FileId
}

/** Where a file's data lies in the backup's folder. */
export function dataPathOf(id: FileId): string {
  return `${id.slice(0, 2)}/${id}`
}

/** Undefined for everything that is not 40 lower-case hex digits. */
export function parseFileId(text: string): FileId | undefined {
  return isFileId(text) ? text : undefined
}

function isFileId(text: string): text is FileId {
  return /^[0-9a-f]{40}$/.test(text)
}
