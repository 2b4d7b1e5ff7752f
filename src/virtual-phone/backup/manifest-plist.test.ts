import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../base/secret.ts'
import { dictOf, encodeBinaryPlist, parsePlist } from '../../plist/index.ts'
import { newPhone } from '../testing/phone-for-tests.ts'
import { BackupError } from './backup-error.ts'
import { createKeyBag } from './encryption/key-bag.ts'
import { encodeManifestPlist, parseManifestPlist, withKeyBag } from './manifest-plist.ts'

const openKeys = async () => ({
  bag: await createKeyBag({ password: new Secret('secret'), iterations: 10, seed: 'seed' }),
  manifestKey: new Uint8Array(32).fill(7),
})

test('the manifest of an unencrypted backup has a key bag and no key', async () => {
  const bytes = await encodeManifestPlist(newPhone({ files: 1, bytes: 1 }), undefined)
  const manifest = dictOf(parsePlist(bytes))
  assert.equal(manifest?.IsEncrypted, false)
  assert.ok(manifest.BackupKeyBag instanceof Uint8Array)
  assert.equal(manifest.ManifestKey, undefined)
  assert.equal(parseManifestPlist(bytes), undefined)
})

test('the manifest of an encrypted backup holds its key bag, and the key of Manifest.db wrapped for class 4', async () => {
  const keys = await openKeys()
  const locked = parseManifestPlist(await encodeManifestPlist(newPhone({ files: 1, bytes: 1 }), keys))
  assert.ok(locked)
  assert.equal(Buffer.compare(locked.keyBag, keys.bag.bytes), 0)
  assert.deepEqual([...locked.manifestKey.subarray(0, 4)], [4, 0, 0, 0])
  assert.equal(
    keys.bag.unwrap(locked.manifestKey) && Buffer.compare(keys.bag.unwrap(locked.manifestKey)!, keys.manifestKey),
    0,
  )
})

test('a key bag is replaced, and all else stays', async () => {
  const bytes = await encodeManifestPlist(newPhone({ files: 1, bytes: 1 }), await openKeys())
  const before = dictOf(parsePlist(bytes))
  const after = dictOf(parsePlist(withKeyBag(bytes, Uint8Array.of(1, 2, 3))))
  assert.deepEqual({ ...after, BackupKeyBag: before?.BackupKeyBag }, { ...before })
  assert.deepEqual(
    Buffer.from(parseManifestPlist(withKeyBag(bytes, Uint8Array.of(1, 2, 3)))!.keyBag),
    Buffer.of(1, 2, 3),
  )
})

test('an empty manifest, or one that is no dictionary, is unparsable', () => {
  const isUnparsable = (error: unknown) => error instanceof BackupError && error.code === 11
  assert.throws(() => parseManifestPlist(new Uint8Array(0)), isUnparsable)
  assert.throws(() => parseManifestPlist(encodeBinaryPlist([])), isUnparsable)
})
