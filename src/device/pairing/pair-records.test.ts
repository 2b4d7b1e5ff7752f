import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { chmod, mkdir, mkdtempDisposable, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { NEVER } from '../../base/abort.ts'
import { utf8 } from '../../base/bytes.ts'
import { isAppError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import { dictOf, encodeBinaryPlist, parsePlist } from '../../plist/index.ts'
import { makeCertificates } from './certificates.ts'
import type { PairRecord } from './pair-record.ts'
import { encodePairRecord, parsePairRecord, publicPart } from './pair-record.ts'
import { damagedRecords, pairRecordFolder, pairRecordsOf } from './pair-records.ts'

const UDID = '00008120-0008AB48A562DBB5'
const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const record: PairRecord = {
  ...(await makeCertificates(publicKey.export({ type: 'pkcs1', format: 'pem' }).toString(), Date.UTC(2026, 0, 1))),
  hostId: '7D5CD471-0000-0000-0000-000000000000',
  systemBuid: '30142955-0000-0000-0000-000000000000',
  escrowBag: new Secret(Buffer.alloc(32, 7).toString('base64')),
  wifiMacAddress: 'aa:bb:cc:dd:ee:ff',
}
const code = (expected: string) => (error: unknown) => isAppError(error, expected)

/** The record with one key replaced or left out. */
function without(key: string, value?: Uint8Array | string): Uint8Array {
  const dict = { ...dictOf(parsePlist(encodePairRecord(record))) }
  delete dict[key]
  return encodeBinaryPlist(value === undefined ? dict : { ...dict, [key]: value })
}

test('a record reads back as written', () => assert.deepEqual(parsePairRecord(encodePairRecord(record)), record))

test('a record of a supervised phone has no escrow bag', () => {
  const { escrowBag: _, ...rest } = record
  assert.deepEqual(parsePairRecord(without('EscrowBag')), rest)
})

for (const key of [
  'HostID',
  'SystemBUID',
  'HostCertificate',
  'HostPrivateKey',
  'DeviceCertificate',
  'RootPrivateKey',
]) {
  test(`a record without ${key} says so`, () => {
    assert.throws(
      () => parsePairRecord(without(key)),
      (error) => isAppError(error, 'device.bad-pair-record') && error.message.includes(key),
    )
  })
}

test('damaged certificates and keys are found before they are used', () => {
  const broken = utf8('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  assert.throws(() => parsePairRecord(without('HostCertificate', broken)), code('device.bad-pair-record'))
  assert.throws(() => parsePairRecord(without('HostPrivateKey', broken)), code('device.bad-pair-record'))
  assert.throws(() => parsePairRecord(utf8('not a plist')), code('device.bad-pair-record'))
})

test('a host key that is not that of the host certificate is found too', () => {
  const rootKey = utf8(record.rootPrivateKey.reveal())
  assert.throws(() => parsePairRecord(without('HostPrivateKey', rootKey)), code('device.bad-pair-record'))
})

test('nothing secret is shown to the phone, or printed', () => {
  assert.deepEqual(Object.keys(publicPart(record)).sort(), [
    'DeviceCertificate',
    'HostCertificate',
    'HostID',
    'RootCertificate',
    'SystemBUID',
  ])
  assert.doesNotMatch(inspect(record) + JSON.stringify(record), /PRIVATE|BwcHBwcH/)
})

test('a folder keeps records under their UDID, replacing them whole', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-records-'))
  const store = pairRecordFolder(join(folder.path, 'deep', 'records'))
  assert.equal(await store.read(UDID), undefined)
  await store.save(UDID, record)
  await store.save(UDID, { ...record, hostId: 'another' })
  assert.equal((await store.read(UDID))?.hostId, 'another')
  assert.deepEqual(await readdir(join(folder.path, 'deep', 'records')), [`${UDID}.plist`])
})

test('a UDID can never name a file elsewhere', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-records-'))
  const store = pairRecordFolder(folder.path)
  for (const udid of ['../escaped', '', 'a/b', 'a\0b', '.']) {
    await assert.rejects(store.save(udid, record), code('device.bad-udid'))
    await assert.rejects(store.read(udid), code('device.bad-udid'))
  }
})

test('a record that others can read is not used', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-records-'))
  await writeFile(join(folder.path, `${UDID}.plist`), encodePairRecord(record))
  await chmod(join(folder.path, `${UDID}.plist`), 0o644)
  await assert.rejects(pairRecordFolder(folder.path).read(UDID), code('device.pair-record-unsafe'))
})

test('a damaged record is told of, and thrown once there is no other to try', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-records-'))
  await writeFile(join(folder.path, `${UDID}.plist`), 'garbage', { mode: 0o600 })
  const store = pairRecordFolder(folder.path)
  const [damage, ...others] = await damagedRecords(store, [UDID, '00008120-000000000000FFFF'])
  assert.equal(damage?.code, 'device.bad-pair-record')
  assert.deepEqual(others, [])
  const candidates = pairRecordsOf({ store }).candidates(UDID, { signal: NEVER })
  await assert.rejects(Array.fromAsync(candidates), code('device.bad-pair-record'))
})

test('what cannot be a record is not read', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-records-'))
  const path = join(folder.path, `${UDID}.plist`)
  await writeFile(path, '', { mode: 0o600 })
  await truncate(path, 2 ** 33)
  await assert.rejects(pairRecordFolder(folder.path).read(UDID), code('device.bad-pair-record'))
  await rm(path)
  await mkdir(path)
  await assert.rejects(pairRecordFolder(folder.path).read(UDID), code('device.bad-pair-record'))
})

test('a folder knows the phones that it has records of, and where each answered last', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-records-'))
  const store = pairRecordFolder(join(folder.path, 'records'))
  assert.deepEqual(await store.list(), [])
  await store.save(UDID, record)
  assert.equal(await store.readAddress(UDID), undefined)
  const address = { host: 'fe80::1%wlan0', port: 62_078 }
  await store.saveAddress(UDID, address)
  assert.deepEqual(await store.readAddress(UDID), address)
  assert.equal((await stat(join(folder.path, 'records', `${UDID}.address`))).mode & 0o777, 0o600)
  for (const name of ['README.plist.txt', '.plist', 'a b.plist', `${UDID}.plist.x.tmp`]) {
    await writeFile(join(folder.path, 'records', name), '')
  }
  assert.deepEqual(await store.list(), [UDID])
})

test('an address that somebody else wrote is used only if it is one', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-records-'))
  await writeFile(join(folder.path, `${UDID}.address`), 'evil.example:62078')
  assert.equal(await pairRecordFolder(folder.path).readAddress(UDID), undefined)
})

test('without usbmuxd there is at most our own record', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-records-'))
  const store = pairRecordFolder(folder.path)
  await store.save(UDID, record)
  assert.deepEqual(await Array.fromAsync(pairRecordsOf({ store }).candidates(UDID, { signal: NEVER })), [
    { record, isOurs: true },
  ])
})
