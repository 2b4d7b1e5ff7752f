import assert from 'node:assert/strict'
import { createDecipheriv, pbkdf2Sync } from 'node:crypto'
import { test } from 'node:test'
import { encodeBinaryPlist } from '../../plist/index.ts'
import { newPhone } from '../testing/phone-for-tests.ts'
import { BackupError } from './backup-error.ts'
import { checkManifestPlist, encodeManifestPlist, makeKeyBag } from './manifest-plist.ts'

interface Tlv {
  readonly tag: string
  readonly value: Buffer
}

function tagsOf(bag: Uint8Array): Tlv[] {
  const bytes = Buffer.from(bag)
  const tags: Tlv[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32BE(at + 4)
    tags.push({ tag: bytes.toString('ascii', at, at + 4), value: bytes.subarray(at + 8, at + 8 + size) })
    at += 8 + size
  }
  return tags
}

// Layout: docs/protocol/mobilebackup2.md#manifest (a captured keybag of an unencrypted backup: 1,336 bytes, classes 1 to 11).
test('the keybag has seven header tags, then five for each of eleven classes', () => {
  const bag = makeKeyBag('00008120-0000000000000001')
  const tags = tagsOf(bag).map(({ tag }) => tag)
  assert.equal(bag.length, 1_336)
  assert.deepEqual(tags.slice(0, 7), ['VERS', 'TYPE', 'UUID', 'HMCK', 'WRAP', 'SALT', 'ITER'])
  assert.deepEqual(tags.slice(7), Array.from({ length: 11 }, () => ['UUID', 'CLAS', 'WRAP', 'KTYP', 'WPKY']).flat())
})

test('the empty password opens classes 1 to 4 and no other', () => {
  const tags = tagsOf(makeKeyBag('00008120-0000000000000001'))
  const bytesOf = (name: string) => tags.find(({ tag }) => tag === name)!.value
  const key = pbkdf2Sync('', bytesOf('SALT'), bytesOf('ITER').readUInt32BE(), 32, 'sha1')
  const opens = ({ value }: Tlv) => {
    try {
      const cipher = createDecipheriv('id-aes256-wrap', key, Buffer.alloc(8, 0xa6))
      return cipher.update(value).length === 32
    } catch {
      return false
    }
  }
  const opened = tags.filter(({ tag }) => tag === 'WPKY').map(opens)
  assert.deepEqual(opened, [true, true, true, true, false, false, false, false, false, false, false])
  assert.deepEqual(
    tags
      .slice(7)
      .filter(({ tag }) => tag === 'WRAP')
      .map(({ value }) => value.readUInt32BE()),
    [2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3],
  )
})

test("a phone's own manifest passes its check", () => {
  assert.doesNotThrow(() => checkManifestPlist(encodeManifestPlist(newPhone({ files: 1, bytes: 1 }))))
})

test('an empty manifest is unparsable, an encrypted one has another password', () => {
  const withCode = (code: number) => (error: unknown) => error instanceof BackupError && error.code === code
  assert.throws(() => checkManifestPlist(new Uint8Array(0)), withCode(11))
  assert.throws(() => checkManifestPlist(encodeBinaryPlist({ IsEncrypted: true })), withCode(207))
})
