import assert from 'node:assert/strict'
import { createDecipheriv, pbkdf2 } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { bytesOf, decodeKeyedArchive, dictOf, type PlistDict, parsePlist } from '../../plist/index.ts'

/** What one row of a decrypted Manifest.db tells, and the file's decrypted bytes if it is one. */
export interface DecryptedEntry {
  readonly record: PlistDict
  readonly bytes: Buffer | undefined
}

/**
 * Decrypts a whole backup in memory, by file ID; written for tests without the phone's own code, from what readers of such
 * backups do. `read` gets a path inside the backup. Rejects when the password or anything else does not fit.
 * Source: docs/protocol/mobilebackup2.md#key-bag
 */
export async function decryptBackup(
  read: (path: string) => Promise<Uint8Array>,
  password: string,
): Promise<Map<string, DecryptedEntry>> {
  const manifest = dictOf(parsePlist(await read('Manifest.plist')))
  assert.equal(manifest?.IsEncrypted, true)
  const classKeys = await openBag(bytesOf(manifest.BackupKeyBag), password)
  const database = decrypt(await read('Manifest.db'), unwrap(classKeys, manifest.ManifestKey as Uint8Array))
  const entries = new Map<string, DecryptedEntry>()
  for (const { fileID, flags, file } of rowsOf(database)) {
    assert.ok(typeof fileID === 'string' && file instanceof Uint8Array)
    const record = dictOf(decodeKeyedArchive(parsePlist(file)))
    assert.ok(record)
    assert.equal(record.EncryptionKey !== undefined, flags === 1, 'files have a key, folders and links have none')
    const key = bytesOf(record.EncryptionKey)
    const bytes = key && decrypt(await read(`${fileID.slice(0, 2)}/${fileID}`), unwrap(classKeys, key))
    entries.set(fileID, { record, bytes })
  }
  return entries
}

function rowsOf(bytes: Buffer) {
  bytes.fill(1, 18, 20)
  using database = new DatabaseSync(':memory:')
  database.deserialize(bytes)
  return database.prepare('SELECT * FROM Files').all()
}

const derive = promisify(pbkdf2)

async function openBag(bag: Uint8Array | undefined, password: string): Promise<Map<number, Buffer>> {
  assert.ok(bag)
  const bytes = Buffer.from(bag)
  const values = new Map<string, Buffer>()
  const classes = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes.toString('ascii', at, at + 4)
    const end = at + 8 + bytes.readUInt32BE(at + 4)
    values.set(tag, bytes.subarray(at + 8, end))
    const opens = tag === 'WPKY' && values.get('WRAP')!.readUInt32BE() === 2
    if (opens) classes.set(values.get('CLAS')!.readUInt32BE(), values.get('WPKY')!)
    at = end
  }
  const value = (tag: string) => values.get(tag)!
  const first = await derive(password, value('DPSL'), value('DPIC').readUInt32BE(), 32, 'sha256')
  const kek = await derive(first, value('SALT'), value('ITER').readUInt32BE(), 32, 'sha1')
  return new Map(Array.from(classes, ([number, wrapped]) => [number, unwrapWith(kek, wrapped)]))
}

function unwrap(classKeys: ReadonlyMap<number, Buffer>, wrapped: Uint8Array): Buffer {
  const bytes = Buffer.from(wrapped)
  assert.equal(bytes.length, 44)
  const classKey = classKeys.get(bytes.readUInt32LE())
  assert.ok(classKey)
  return unwrapWith(classKey, bytes.subarray(4))
}

function unwrapWith(kek: Buffer, wrapped: Buffer): Buffer {
  const decipher = createDecipheriv('id-aes256-wrap', kek, Buffer.alloc(8, 0xa6))
  return Buffer.concat([decipher.update(wrapped), decipher.final()])
}

function decrypt(stored: Uint8Array, key: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-cbc', key, Buffer.alloc(16))
  return Buffer.concat([decipher.update(stored), decipher.final()])
}
