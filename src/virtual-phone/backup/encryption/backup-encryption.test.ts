import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../../base/secret.ts'
import { BackupEncryption } from './backup-encryption.ts'

function newEncryption(password: string): BackupEncryption {
  const encryption = new BackupEncryption()
  encryption.password = new Secret(password)
  encryption.iterations = 10
  return encryption
}

test('a phone that is told nothing has no password, and makes key bags that take as long as those of iOS', async () => {
  const encryption = new BackupEncryption()
  assert.equal(encryption.iterations, 10_000_000)
  assert.equal(await encryption.createKeyBag('seed'), undefined)
})

test('the key bag that is open is not opened again, and only for its own password and bytes', async () => {
  const encryption = newEncryption('one')
  const bag = await encryption.createKeyBag('seed')
  assert.ok(bag)
  assert.equal(await encryption.openKeyBag(bag.bytes.slice(), new Secret('one')), bag)
  assert.equal(await encryption.openKeyBag(bag.bytes, new Secret('two')), undefined)
  const other = await newEncryption('one').createKeyBag('another seed')
  assert.ok(other)
  const opened = await encryption.openKeyBag(other.bytes, new Secret('one'))
  assert.notEqual(opened, bag)
  assert.deepEqual(opened?.makeKey('a file'), other.makeKey('a file'))
})

test('a damaged key bag is not taken for the one that is open', async () => {
  const encryption = newEncryption('one')
  const bag = await encryption.createKeyBag('seed')
  assert.ok(bag)
  const salt = Buffer.from(bag.bytes).indexOf('SALT') + 8
  const damaged = bag.bytes.with(salt, bag.bytes[salt]! ^ 1)
  assert.equal(await encryption.openKeyBag(damaged, new Secret('one')), undefined)
})
