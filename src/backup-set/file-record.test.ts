import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import { encodeBinaryPlist, type Plist, type PlistDict, PlistUid } from '../plist/index.ts'
import { decodeFileRecord } from './index.ts'

const uid = (value: number) => new PlistUid(value)
const MB_FILE = { $classname: 'MBFile', $classes: ['MBFile', 'NSObject'] }

/** A record as phones write it: "$null", the file, its path, then what else it refers to, its class last. */
function recordOf(file: PlistDict, ...others: readonly Plist[]): Uint8Array {
  const objects = [
    '$null',
    { RelativePath: uid(2), $class: uid(3 + others.length), ...file },
    'Library/a',
    ...others,
    MB_FILE,
  ]
  return encodeBinaryPlist({
    $version: 100000,
    $archiver: 'NSKeyedArchiver',
    $top: { root: uid(1) },
    $objects: objects,
  })
}

const FILE = {
  Size: 5,
  Mode: 0o100644,
  InodeNumber: 1234,
  UserID: 501,
  GroupID: 501,
  LastModified: 1_700_000_000,
  LastStatusChange: 1_700_000_001,
  Birth: 1_600_000_000,
  ProtectionClass: 3,
  Flags: 0,
}

const DECODED = {
  relativePath: 'Library/a',
  sizeBytes: 5,
  mode: 0o100644,
  modifiedS: 1_700_000_000,
  changedS: 1_700_000_001,
  bornS: 1_600_000_000,
  userId: 501,
  groupId: 501,
  inode: 1234,
  protectionClass: 3,
  target: undefined,
  digest: undefined,
  encryptionKey: undefined,
  extendedAttributes: new Map(),
}

function refuses(record: Uint8Array, saw: RegExp): void {
  assert.throws(
    () => decodeFileRecord(record),
    (error) => isAppError(error, 'backup-set.bad-row') && saw.test(error.message),
  )
}

test('a file', () => assert.deepEqual(decodeFileRecord(recordOf(FILE)), DECODED))

test('a link has a target', () => {
  assert.equal(decodeFileRecord(recordOf({ ...FILE, Target: uid(3) }, '/private/var/x')).target, '/private/var/x')
})

const DATA_CLASS = { $classname: 'NSMutableData', $classes: ['NSMutableData', 'NSData', 'NSObject'] }

test('a file of the system has a digest, and in an encrypted backup a key', () => {
  const digest = Uint8Array.from({ length: 20 }, (_, index) => index)
  const encryptionKey = Uint8Array.from({ length: 44 }, (_, index) => index)
  const file = { ...FILE, Digest: uid(3), EncryptionKey: uid(4) }
  const record = recordOf(file, digest, { 'NS.data': encryptionKey, $class: uid(5) }, DATA_CLASS)
  assert.deepEqual(decodeFileRecord(record), { ...DECODED, digest, encryptionKey })
})

test('the bytes of a key may stand anywhere in the archive, or be the key themselves', () => {
  const encryptionKey = Uint8Array.from({ length: 44 }, (_, index) => index)
  const file = { ...FILE, EncryptionKey: uid(3) }
  const elsewhere = recordOf(file, { 'NS.data': uid(5), $class: uid(4) }, DATA_CLASS, encryptionKey)
  assert.deepEqual(decodeFileRecord(elsewhere), { ...DECODED, encryptionKey })
  assert.deepEqual(decodeFileRecord(recordOf(file, encryptionKey)), { ...DECODED, encryptionKey })
})

test('extended attributes are a property list in the record', () => {
  const attributes = encodeBinaryPlist({ 'com.apple.TextEncoding': Uint8Array.of(1), odd: 'text' })
  const { extendedAttributes } = decodeFileRecord(recordOf({ ...FILE, ExtendedAttributes: uid(3) }, attributes))
  assert.deepEqual(extendedAttributes, new Map([['com.apple.TextEncoding', Uint8Array.of(1)]]))
})

test('nobody is -2, however it was written', () => {
  assert.equal(decodeFileRecord(recordOf({ ...FILE, UserID: -2 })).userId, -2)
  assert.equal(decodeFileRecord(recordOf({ ...FILE, UserID: 2n ** 64n - 2n })).userId, -2)
})

test('times before 1970 are negative, and dates are taken as times', () => {
  assert.equal(decodeFileRecord(recordOf({ ...FILE, Birth: -5 })).bornS, -5)
  assert.equal(decodeFileRecord(recordOf({ ...FILE, Birth: new Date(1_600_000_000_500) })).bornS, 1_600_000_000)
})

test('a record without numbers is a file of no size', () => {
  const { sizeBytes, mode, modifiedS, inode } = decodeFileRecord(recordOf({}))
  assert.deepEqual(
    { sizeBytes, mode, modifiedS, inode },
    { sizeBytes: 0, mode: 0, modifiedS: undefined, inode: undefined },
  )
})

test('what is no record of a file is refused', () => {
  refuses(new Uint8Array(0), /cannot be read/)
  refuses(encodeBinaryPlist({ a: 1 }), /cannot be read/)
  refuses(recordOf({ $class: uid(9) }), /cannot be read/)
  refuses(recordOf({ $class: uid(3) }, { $classname: 'NSObject' }), /not about a file/)
})

test('a negative size is refused', () => refuses(recordOf({ ...FILE, Size: -1 }), /size of -1 bytes/))

test('damaged extended attributes are refused', () => {
  refuses(recordOf({ ...FILE, ExtendedAttributes: uid(3) }, Uint8Array.of(1, 2, 3)), /cannot be read/)
})
