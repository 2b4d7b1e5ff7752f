import { isAppError } from '../../../base/errors.ts'
import {
  bytesOf,
  decodeKeyedArchive,
  dictOf,
  type PlistDict,
  parsePlist,
  signedOf,
  textOf,
} from '../../../plist/index.ts'
import { MODE_TYPE, type Traits } from '../../contents/entry.ts'
import { BackupError, MB } from '../backup-error.ts'

/** A row of Manifest.db as a restore needs it: one file, folder or link. Times are seconds since 1970. */
export interface FileRow {
  readonly fileId: string
  readonly domain: string
  readonly relativePath: string
  readonly traits: Traits
  readonly modifiedS: number
  readonly changedS: number
  readonly bornS: number
  readonly inode: number | undefined
  /** As it was listed; what is stored may have another. */
  readonly size: number
  /** Of a link. */
  readonly target: string
  /** SHA-1 of the stored bytes. */
  readonly digest: Uint8Array | undefined
  /** Class and wrapped key, of a file in an encrypted backup. */
  readonly encryptionKey: Uint8Array | undefined
}

const KINDS = new Map<unknown, Traits['kind']>([
  [1, 'file'],
  [2, 'folder'],
  [4, 'link'],
])

/**
 * Undefined for a row that is neither file, folder nor link. Throws `BackupError` 12 for one that no phone writes: a phone does
 * not restore from a manifest that it cannot make sense of.
 */
export function parseFileRow(row: Readonly<Record<string, unknown>>): FileRow | undefined {
  const { fileID: fileId, domain, relativePath, flags, file } = row
  const kind = KINDS.get(flags)
  if (kind === undefined) return undefined
  if (typeof fileId !== 'string' || !/^[0-9a-f]{40}$/.test(fileId)) throw badRow('its ID is no file ID')
  if (typeof domain !== 'string' || domain === '') throw badRow('it has no domain')
  if (!isPath(relativePath) || (relativePath === '' && kind !== 'folder')) throw badRow('it has no proper path')
  if (!(file instanceof Uint8Array)) throw badRow('it has no record')
  return { fileId, domain, relativePath, ...parseRecord(file, kind) }
}

/** Longer than any path on a phone. */
const PATH_LENGTH_MAX = 4_096

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.length <= PATH_LENGTH_MAX && !value.split('/').includes('..')
}

function parseRecord(record: Uint8Array, kind: Traits['kind']) {
  const file = readArchive(record)
  const number = (key: string, otherwise: number) => signedOf(file[key]) ?? otherwise
  const modifiedS = number('LastModified', 0)
  return {
    traits: {
      kind,
      mode: number('Mode', 0) || MODE_TYPE[kind],
      userId: number('UserID', 501),
      groupId: number('GroupID', 501),
      protectionClass: number('ProtectionClass', 0),
      flags: number('Flags', 0),
    },
    modifiedS,
    changedS: number('LastStatusChange', modifiedS),
    bornS: number('Birth', modifiedS),
    inode: signedOf(file.InodeNumber),
    size: Math.max(0, number('Size', 0)),
    target: textOf(file.Target) ?? '',
    digest: bytesOf(file.Digest),
    encryptionKey: bytesOf(file.EncryptionKey),
  }
}

/** Records of a phone have 412 to 1,850 bytes. */
const RECORD_LIMITS = { inputBytesMax: 2 ** 20, visitsMax: 10_000 }

function readArchive(record: Uint8Array): PlistDict {
  try {
    const file = dictOf(decodeKeyedArchive(parsePlist(record, RECORD_LIMITS), RECORD_LIMITS))
    if (file?.$class === 'MBFile') return file
  } catch (error) {
    if (!isAppError(error)) throw error
  }
  throw badRow('its record is no MBFile')
}

function badRow(why: string): BackupError {
  return new BackupError(MB.badDatabase, `A row of the manifest is damaged: ${why}`)
}
