import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeFileRecord } from '../../backup-set/index.ts'
import { arrayOf, dictOf, PlistUid, parsePlist } from '../../plist/index.ts'
import type { Entry } from '../contents/index.ts'
import { encodeMbFile } from './mb-file.ts'

const entry: Entry = {
  domain: 'HomeDomain',
  relativePath: 'Library/SMS/sms.db',
  kind: 'file',
  mode: 0o100600,
  userId: 501,
  groupId: 501,
  inode: 4_711,
  modifiedS: 1_700_000_000,
  changedS: 1_700_000_001,
  bornS: 1_600_000_000,
  size: 495_616,
  protectionClass: 3,
  flags: 0,
}

const objectsOf = (record: Uint8Array) => arrayOf(dictOf(parsePlist(record))?.$objects) ?? []

// Positions: docs/protocol/mobilebackup2.md#manifest (measured on a real backup).
test('an archive has null, the file, its path and its class, in this order', () => {
  const [none, file, path, type, ...more] = objectsOf(encodeMbFile(entry))
  assert.equal(none, '$null')
  assert.equal(dictOf(file)?.Size, 495_616)
  assert.deepEqual(dictOf(file)?.RelativePath, new PlistUid(2))
  assert.deepEqual(dictOf(file)?.$class, new PlistUid(3))
  assert.equal(path, 'Library/SMS/sms.db')
  assert.deepEqual({ ...dictOf(type) }, { $classname: 'MBFile', $classes: ['MBFile', 'NSObject'] })
  assert.deepEqual(more, [])
})

test('the digest stands between path and class, as bare data', () => {
  const digest = new Uint8Array(20).fill(9)
  const objects = objectsOf(encodeMbFile(entry, { digest }))
  assert.deepEqual(dictOf(objects[1])?.Digest, new PlistUid(3))
  assert.deepEqual(dictOf(objects[1])?.$class, new PlistUid(4))
  assert.deepEqual(new Uint8Array(Buffer.from(objects[3] instanceof Uint8Array ? objects[3] : [])), digest)
})

test('digest, key and the class of the key stand between path and class, in this order', () => {
  const encryptionKey = new Uint8Array(44).fill(7)
  const objects = objectsOf(encodeMbFile(entry, { digest: new Uint8Array(20).fill(9), encryptionKey }))
  const [, file, , digest, key, keyClass, ...more] = objects
  assert.deepEqual(dictOf(file)?.Digest, new PlistUid(3))
  assert.deepEqual(dictOf(file)?.EncryptionKey, new PlistUid(4))
  assert.deepEqual(dictOf(file)?.$class, new PlistUid(6))
  assert.ok(digest instanceof Uint8Array && digest.length === 20)
  const { 'NS.data': bytes, $class } = dictOf(key)!
  assert.ok(bytes instanceof Uint8Array && Buffer.compare(bytes, encryptionKey) === 0)
  assert.deepEqual($class, new PlistUid(5))
  const classes = ['NSMutableData', 'NSData', 'NSObject']
  assert.deepEqual({ ...dictOf(keyClass) }, { $classname: 'NSMutableData', $classes: classes })
  assert.equal(dictOf(more[0])?.$classname, 'MBFile')
  assert.equal(more.length, 1)
})

test('the target of a link stands where a digest would', () => {
  const objects = objectsOf(encodeMbFile({ ...entry, kind: 'link', target: '/private/var/née' }))
  assert.deepEqual(dictOf(objects[1])?.Target, new PlistUid(3))
  assert.equal(objects[3], '/private/var/née')
})

test('whatever is encoded reads back', () => {
  const seconds = fc.integer({ min: -(2 ** 31), max: 2 ** 33 })
  const any = fc.record({
    domain: fc.string(),
    relativePath: fc.string({ unit: 'grapheme', maxLength: 400 }),
    kind: fc.constant('file' as const),
    mode: fc.nat(0o177777),
    userId: fc.integer({ min: -2, max: 70_000 }),
    groupId: fc.integer({ min: -2, max: 300 }),
    inode: fc.maxSafeNat(),
    modifiedS: seconds,
    changedS: seconds,
    bornS: seconds,
    size: fc.maxSafeNat(),
    protectionClass: fc.nat(4),
    flags: fc.constantFrom(0, 128),
  })
  const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const stored = fc.record({ digest: bytesOf(20), encryptionKey: bytesOf(44) }, { requiredKeys: [] })
  fc.assert(
    fc.property(any, stored, (made, { digest, encryptionKey }) => {
      const read = decodeFileRecord(
        encodeMbFile(made, { ...(digest && { digest }), ...(encryptionKey && { encryptionKey }) }),
      )
      const { relativePath, mode, userId, groupId, inode, modifiedS, changedS, bornS, size, protectionClass } = made
      const { extendedAttributes, digest: readDigest, encryptionKey: readKey, ...rest } = read
      assert.deepEqual(readDigest && Buffer.from(readDigest), digest && Buffer.from(digest))
      assert.deepEqual(readKey && Buffer.from(readKey), encryptionKey && Buffer.from(encryptionKey))
      assert.equal(extendedAttributes.size, 0)
      assert.deepEqual(rest, {
        ...{ relativePath, mode, userId, groupId, inode, modifiedS, changedS, bornS, protectionClass },
        sizeBytes: size,
        target: undefined,
      })
    }),
    { numRuns: 300 },
  )
})

test('a path of many thousand characters still fits', () => {
  const relativePath = '🦀/'.repeat(30_000)
  assert.equal(decodeFileRecord(encodeMbFile({ ...entry, relativePath })).relativePath, relativePath)
})
