import { createCipheriv, createHash, pbkdf2Sync } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { encodeBinaryPlist, type Plist, type PlistDict, PlistUid } from '../../plist/index.ts'
import { type BackupFiles, dataPathOf, type FileId, fileIdOf } from '../index.ts'

/** One file, folder or link of a made-up phone. */
export interface MadeEntry {
  readonly domain: string
  readonly relativePath: string
  /** A file's; with neither this nor `target` it is a folder. */
  readonly content?: Uint8Array
  /** A link's. */
  readonly target?: string
  /** What the record says; the content's real length if not given. */
  readonly sizeBytes?: number
  readonly modifiedS?: number
  /** The class of the file's key; 3 if not given. */
  readonly keyClass?: number
  readonly withDigest?: boolean
}

export interface MadeBackupOptions {
  readonly entries: readonly MadeEntry[]
  /** Not encrypted without one. */
  readonly password?: string
  /** As before iOS 10.2: no round of SHA-256, and a Manifest.db that is not encrypted. */
  readonly old?: boolean
}

/** The files of a backup by path, for tests to change. The same options give the same bytes. */
export type MadeBackup = Map<string, Buffer>

/** Makes a backup as a phone writes it. Recipe: docs/protocol/backup-set.md. */
export function makeBackup({ entries, password, old = false }: MadeBackupOptions): MadeBackup {
  const isEncrypted = password !== undefined
  const made: MadeBackup = new Map()
  const stored = entries.map((entry) => store(made, entry, isEncrypted))
  const db = makeDb(stored)
  made.set('Manifest.db', isEncrypted && !old ? encrypt(MANIFEST_KEY, db) : db)
  made.set('Manifest.plist', plist(manifestOf({ password, old })))
  made.set('Status.plist', plist(STATUS))
  made.set('Info.plist', plist({ 'Device Name': 'Made' }))
  return made
}

/** The made files as a source; `pieceBytes` sets in what pieces they arrive. */
export function filesOf(made: ReadonlyMap<string, Uint8Array>, pieceBytes = 1000): BackupFiles {
  return {
    open: async (path, { signal }) => {
      signal.throwIfAborted()
      const bytes = made.get(path)
      return bytes && { bytes: bytes.length, content: piecesOf(bytes, pieceBytes) }
    },
  }
}

async function* piecesOf(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

/** Bytes that look random and are always the same for a label. */
export function fixedBytes(label: string, size: number): Buffer {
  return createHash('shake256', { outputLength: size }).update(label).digest()
}

/** RFC 3394. */
export function wrapKey(lock: Uint8Array, key: Uint8Array): Buffer {
  const cipher = createCipheriv('id-aes256-wrap', lock, Buffer.alloc(8, 0xa6))
  return Buffer.concat([cipher.update(key), cipher.final()])
}

/** AES-256-CBC, an IV of zeros, PKCS #7. */
export function encrypt(key: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-cbc', key, Buffer.alloc(16))
  return Buffer.concat([cipher.update(plain), cipher.final()])
}

/** The class as four bytes, then the wrapped key: as records and the manifest hold keys. */
export function keyOf(keyClass: number, key: Uint8Array): Buffer {
  const number = Buffer.alloc(4)
  number.writeUInt32LE(keyClass)
  return Buffer.concat([number, wrapKey(classKeyOf(keyClass), key)])
}

export const MANIFEST_KEY = fixedBytes('Manifest.db', 32)
const MANIFEST_CLASS = 4
const classKeyOf = (keyClass: number) => fixedBytes(`class ${keyClass}`, 32)
const fileKeyOf = ({ domain, relativePath }: MadeEntry) => fixedBytes(`${domain}-${relativePath}`, 32)

interface StoredEntry {
  readonly id: FileId
  readonly entry: MadeEntry
  readonly record: Buffer
}

function store(made: MadeBackup, entry: MadeEntry, isEncrypted: boolean): StoredEntry {
  const id = fileIdOf(entry)
  const { content } = entry
  const data = content && (isEncrypted ? encrypt(fileKeyOf(entry), content) : Buffer.from(content))
  if (data !== undefined) made.set(dataPathOf(id), data)
  const key = isEncrypted && content ? keyOf(entry.keyClass ?? 3, fileKeyOf(entry)) : undefined
  const digest = data && entry.withDigest ? createHash('sha1').update(data).digest() : undefined
  return { id, entry, record: recordOf(entry, { key, digest }) }
}

/** The `file` column: "$null", the file, its path, what else it refers to, its class last. */
function recordOf(entry: MadeEntry, { key, digest }: { key: Buffer | undefined; digest: Buffer | undefined }): Buffer {
  const objects: Plist[] = ['$null', {}, entry.relativePath]
  const add = (object: Plist) => new PlistUid(objects.push(object) - 1)
  const file: Record<string, Plist> = {
    RelativePath: new PlistUid(2),
    Size: entry.sizeBytes ?? entry.content?.length ?? 0,
    Mode: entry.content ? 0o100644 : entry.target === undefined ? 0o40755 : 0o120755,
    LastModified: entry.modifiedS ?? 1_700_000_000,
    ProtectionClass: entry.content ? (entry.keyClass ?? 3) : 0,
  }
  if (entry.target !== undefined) file.Target = add(entry.target)
  if (digest !== undefined) file.Digest = add(digest)
  if (key !== undefined) {
    file.EncryptionKey = add({ 'NS.data': key, $class: new PlistUid(objects.length + 1) })
    add({ $classname: 'NSMutableData', $classes: ['NSMutableData', 'NSData', 'NSObject'] })
  }
  file.$class = add({ $classname: 'MBFile', $classes: ['MBFile', 'NSObject'] })
  objects[1] = file
  return plist({
    $version: 100_000,
    $archiver: 'NSKeyedArchiver',
    $top: { root: new PlistUid(1) },
    $objects: objects,
  })
}

const SCHEMA = `
  PRAGMA page_size = 4096; PRAGMA auto_vacuum = 2; PRAGMA user_version = 2;
  CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);
  CREATE INDEX FilesDomainIdx ON Files(domain);
  CREATE INDEX FilesRelativePathIdx ON Files(relativePath);
  CREATE INDEX FilesFlagsIdx ON Files(flags);
  CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB);`

/** Bytes 18 and 19 say WAL mode, as on phones. */
function makeDb(stored: readonly StoredEntry[]): Buffer {
  using db = new DatabaseSync(':memory:')
  db.exec(SCHEMA)
  const insert = db.prepare('INSERT INTO Files VALUES (?, ?, ?, ?, ?)')
  for (const { id, entry, record } of stored) {
    const flags = entry.content ? 1 : entry.target === undefined ? 2 : 4
    insert.run(id, entry.domain, entry.relativePath, flags, record)
  }
  return Buffer.from(db.serialize()).fill(2, 18, 20)
}

const STATUS: PlistDict = {
  UUID: '01234567-89AB-CDEF-0123-456789ABCDEF',
  Version: '3.3',
  Date: new Date('2024-02-03T04:05:06Z'),
  BackupState: 'new',
  SnapshotState: 'finished',
  IsFullBackup: false,
}

function manifestOf({ password, old }: { password: string | undefined; old: boolean }): PlistDict {
  const isEncrypted = password !== undefined
  return {
    Version: '10.0',
    Date: new Date('2024-02-03T04:05:06Z'),
    SystemDomainsVersion: '24.0',
    IsEncrypted: isEncrypted,
    WasPasscodeSet: true,
    BackupKeyBag: makeKeyBag({ password: password ?? '', old: old || !isEncrypted }),
    ...(isEncrypted && !old && { ManifestKey: keyOf(MANIFEST_CLASS, MANIFEST_KEY) }),
    Applications: {},
    Lockdown: {},
  }
}

/** Classes that the password opens; those above 8 and class 5 need the phone as well. */
const PASSWORD_CLASSES = [1, 2, 3, 4, 6, 7, 8]

/** A key bag as phones write it, but for the rounds, which are few. */
export function makeKeyBag({ password, old = false }: { password: string; old?: boolean }): Buffer {
  const [salt, firstSalt] = [fixedBytes('SALT', 20), fixedBytes('DPSL', 20)]
  const first = old ? password : pbkdf2Sync(password, firstSalt, 100, 32, 'sha256')
  const lock = pbkdf2Sync(first, salt, 10, 32, 'sha1')
  const numbers = Array.from({ length: 11 }, (_, index) => 11 - index)
  return Buffer.concat([
    ...[tag('VERS', u32(old ? 3 : 5)), tag('TYPE', u32(1)), tag('UUID', fixedBytes('UUID', 16))],
    ...[tag('HMCK', Buffer.alloc(40)), tag('WRAP', u32(0)), tag('SALT', salt), tag('ITER', u32(10))],
    ...(old ? [] : [tag('DPWT', u32(1)), tag('DPIC', u32(100)), tag('DPSL', firstSalt)]),
    ...numbers.flatMap((number) => {
      const isOurs = PASSWORD_CLASSES.includes(number)
      const wrapped = isOurs ? wrapKey(lock, classKeyOf(number)) : fixedBytes(`phone ${number}`, 40)
      return [
        ...[tag('UUID', fixedBytes(`UUID ${number}`, 16)), tag('CLAS', u32(number))],
        ...[tag('WRAP', u32(isOurs ? 2 : 3)), tag('KTYP', u32(0)), tag('WPKY', wrapped)],
      ]
    }),
  ])
}

/** Four letters, the length, the value. */
export function tag(name: string, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(name, 'latin1'), u32(value.length), value])
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function plist(value: Plist): Buffer {
  return Buffer.from(encodeBinaryPlist(value))
}
