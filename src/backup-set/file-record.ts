import { isAppError } from '../base/errors.ts'
import {
  bytesOf,
  dateOf,
  decodeKeyedArchive,
  dictOf,
  type Plist,
  type PlistDict,
  parsePlist,
  signedOf,
  textOf,
} from '../plist/index.ts'
import { badRow } from './errors.ts'

/** What the phone knows of one file, folder or link: an MBFile of its backup agent. Times are seconds since 1970 UTC. */
export interface FileRecord {
  readonly relativePath: string | undefined
  /** Of the live file when it was listed: the stored data may be longer or shorter. 0 for folders and links. */
  readonly sizeBytes: number
  /** `st_mode` with the kind of file in its upper bits. */
  readonly mode: number
  /** Like the two below perhaps negative, zero, or in an odd order. */
  readonly modifiedS: number | undefined
  readonly changedS: number | undefined
  readonly bornS: number | undefined
  /** -2 is nobody. */
  readonly userId: number | undefined
  readonly groupId: number | undefined
  readonly inode: number | undefined
  /** Data protection class, 1 to 4 for files. */
  readonly protectionClass: number | undefined
  /** Where a link leads: text from the phone, never to be followed. */
  readonly target: string | undefined
  /** SHA-1 of the stored bytes; present for files in the system's domains. */
  readonly digest: Uint8Array | undefined
  /** Opens the data in an encrypted backup: for `ClassKeys.unwrap`. Only files have one, empty ones as well. */
  readonly encryptionKey: Uint8Array | undefined
  readonly extendedAttributes: ReadonlyMap<string, Uint8Array>
}

/** Real records have 412 to 1,850 bytes; extended attributes may make them larger. */
const RECORD_LIMITS = { inputBytesMax: 16 * 2 ** 20, visitsMax: 10_000 }

/**
 * Reads the `file` column of a row of `Manifest.db`: a keyed archive in a binary property list. Throws `backup-set.bad-row`.
 * Source: docs/protocol/backup-set.md#file-records
 */
export function decodeFileRecord(record: Uint8Array): FileRecord {
  const file = readArchive(record)
  return {
    relativePath: textOf(file.RelativePath),
    sizeBytes: parseSize(file.Size),
    mode: signedOf(file.Mode) ?? 0,
    modifiedS: parseTime(file.LastModified),
    changedS: parseTime(file.LastStatusChange),
    bornS: parseTime(file.Birth),
    userId: signedOf(file.UserID),
    groupId: signedOf(file.GroupID),
    inode: signedOf(file.InodeNumber),
    protectionClass: signedOf(file.ProtectionClass),
    target: textOf(file.Target),
    digest: bytesOf(file.Digest),
    encryptionKey: bytesOf(file.EncryptionKey),
    extendedAttributes: parseAttributes(bytesOf(file.ExtendedAttributes)),
  }
}

function readArchive(record: Uint8Array): PlistDict {
  const file = dictOf(parseInside(() => decodeKeyedArchive(parsePlist(record, RECORD_LIMITS), RECORD_LIMITS)))
  if (file?.$class !== 'MBFile') throw badRow('A record in Manifest.db is not about a file')
  return file
}

function parseInside(parse: () => Plist): Plist {
  try {
    return parse()
  } catch (error) {
    if (!isAppError(error)) throw error
    throw badRow('A record in Manifest.db cannot be read', error)
  }
}

/** Times are whole numbers; dates are accepted as well. */
function parseTime(value: Plist | undefined): number | undefined {
  const date = dateOf(value)
  return date === undefined ? signedOf(value) : Math.floor(date.getTime() / 1000)
}

function parseSize(value: Plist | undefined): number {
  const size = signedOf(value) ?? 0
  if (size < 0) throw badRow(`A record in Manifest.db claims a size of ${size} bytes`)
  return size
}

/** A property list of its own: name to data. */
function parseAttributes(bytes: Uint8Array | undefined): ReadonlyMap<string, Uint8Array> {
  const attributes = new Map<string, Uint8Array>()
  if (bytes === undefined) return attributes
  const dict = dictOf(parseInside(() => parsePlist(bytes, RECORD_LIMITS)))
  for (const [name, value] of Object.entries(dict ?? {})) {
    if (value instanceof Uint8Array) attributes.set(name, value)
  }
  return attributes
}
