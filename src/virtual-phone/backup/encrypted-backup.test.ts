import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { Secret } from '../../base/secret.ts'
import { bytesOf, dictOf, numberOf, parsePlist, textOf } from '../../plist/index.ts'
import { type DecryptedEntry, decryptBackup } from '../testing/decrypted-backup.ts'
import { newPhone, type PhoneForTests, UDID } from '../testing/phone-for-tests.ts'
import { cutAt, heal, hold, newHost, type ScriptedHost } from '../testing/scripted-host.ts'
import { setBackupPassword, setUpEncryption } from './backup-phone.ts'
import { fileIdOf } from './file-id.ts'

const BACKUP = { MessageName: 'Backup' }
const PASSWORD = 'correct horse'

function newEncryptingPhone(options: Parameters<typeof newPhone>[0] = { files: 80, bytes: 300_000 }): PhoneForTests {
  const phone = newPhone(options)
  setUpEncryption(phone, { password: new Secret(PASSWORD), iterations: 10 })
  return phone
}

const filesOf = ({ contents }: PhoneForTests) => [...contents.entries()].filter(({ kind }) => kind === 'file')
const payloadOf = (host: ScriptedHost) => [...host.files.keys()].filter((path) => /\/[0-9a-f]{40}$/.test(path))

async function bytesOnPhone({ contents }: PhoneForTests, place: { domain: string; relativePath: string }) {
  return Buffer.concat(await Array.fromAsync(contents.read(place, { signal: NEVER })))
}

function decrypted(host: ScriptedHost, password = PASSWORD): Promise<Map<string, DecryptedEntry>> {
  return decryptBackup(async (path) => host.files.get(`${UDID}/${path}`) ?? assert.fail(path), password)
}

/** The host has exactly the phone's entries, and every file decrypts to the phone's bytes. */
async function assertHolds(host: ScriptedHost, phone: PhoneForTests, password = PASSWORD): Promise<void> {
  const entries = await decrypted(host, password)
  assert.deepEqual([...entries.keys()].sort(), Array.from(phone.contents.entries(), fileIdOf).sort())
  assert.equal(payloadOf(host).length, filesOf(phone).length)
  for (const entry of filesOf(phone)) {
    const { bytes } = entries.get(fileIdOf(entry))!
    assert.equal(bytes && Buffer.compare(bytes, await bytesOnPhone(phone, entry)), 0, entry.relativePath)
  }
}

const codeOf = async (host: ScriptedHost, phone: PhoneForTests, request: Parameters<typeof hold>[2] = BACKUP) =>
  (await hold(host, phone, request)).response?.ErrorCode

test('a full and an incremental encrypted backup hold every byte of the phone, and no name or byte in the clear', async () => {
  const phone = newEncryptingPhone()
  phone.contents.write({ domain: 'HomeDomain', relativePath: 'Library/empty' }, new Uint8Array(0))
  const host = newHost()
  assert.equal(await codeOf(host, phone), 0)
  await assertHolds(host, phone)
  phone.contents.change({ seed: 1, add: 3, rewrite: 4, move: 2, remove: 5 })
  const { response, transcript } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.ok(transcript.includes(`upload ${UDID}/Snapshot/**/* (9)`), 'three new, four rewritten, two moved')
  await assertHolds(host, phone)
  const database = Buffer.from(host.files.get(`${UDID}/Manifest.db`)!)
  assert.equal(database.includes('SQLite format'), false)
  assert.equal(database.includes('HomeDomain'), false)
})

test('rows tell the size in the clear, the class of the key, and the digest of what is stored', async () => {
  const phone = newEncryptingPhone()
  const host = newHost()
  await hold(host, phone, BACKUP)
  const entries = await decrypted(host)
  let digests = 0
  for (const entry of filesOf(phone)) {
    const fileId = fileIdOf(entry)
    const { record } = entries.get(fileId)!
    const stored = host.files.get(`${UDID}/${fileId.slice(0, 2)}/${fileId}`)!
    assert.equal(numberOf(record.Size), entry.size)
    assert.equal(stored.length, (Math.floor(entry.size / 16) + 1) * 16)
    assert.deepEqual(bytesOf(record.EncryptionKey)?.[0], entry.protectionClass)
    assert.equal(numberOf(record.ProtectionClass), entry.protectionClass)
    const digest = bytesOf(record.Digest)
    if (digest === undefined) continue
    digests += 1
    assert.equal(Buffer.from(digest).toString('hex'), hash('sha1', stored))
  }
  assert.ok(digests > 0)
})

test('an incremental backup keeps the key bag and the stored bytes of unmodified files', async () => {
  const phone = newEncryptingPhone()
  const host = newHost()
  await hold(host, phone, BACKUP)
  const bag = () => dictOf(parsePlist(host.files.get(`${UDID}/Manifest.plist`)!))?.BackupKeyBag
  const [bagBefore, before] = [bag(), await decrypted(host)]
  const [changed] = filesOf(phone)
  phone.contents.write(changed!, Buffer.from('new'))
  await hold(host, phone, BACKUP)
  assert.deepEqual(bag(), bagBefore)
  const after = await decrypted(host)
  const keyOf = (entries: Map<string, DecryptedEntry>, id: string) => entries.get(id)?.record.EncryptionKey
  const rekeyed = filesOf(phone)
    .map(fileIdOf)
    .filter((id) => !equal(keyOf(before, id), keyOf(after, id)))
  assert.deepEqual(rekeyed, [fileIdOf(changed!)])
})

const equal = (left: unknown, right: unknown) =>
  left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0

test('two hosts that back up one state have the same bytes, full and incremental', async () => {
  const phone = newEncryptingPhone()
  const [one, other] = [newHost(), newHost()]
  for (const round of [1, 2]) {
    for (const host of [one, other]) assert.equal(await codeOf(host, phone), 0)
    assert.deepEqual([...one.files.keys()].sort(), [...other.files.keys()].sort())
    for (const [path, bytes] of one.files) assert.equal(Buffer.compare(bytes, other.files.get(path)!), 0, path)
    phone.contents.change({ seed: round, add: 2, rewrite: 3, remove: 1 })
  }
})

test('no two files have the same key, and no state of a file that of another', async () => {
  const phone = newEncryptingPhone()
  const host = newHost()
  await hold(host, phone, BACKUP)
  const keysOf = async () =>
    [...(await decrypted(host)).values()].flatMap(({ record }) => bytesOf(record.EncryptionKey) ?? [])
  const hex = (keys: readonly Uint8Array[]) => keys.map((key) => Buffer.from(key).toString('hex'))
  const before = hex(await keysOf())
  for (const entry of filesOf(phone)) phone.contents.write(entry, Buffer.from('all the same'))
  await hold(host, phone, BACKUP)
  const all = [...before, ...hex(await keysOf())]
  assert.equal(new Set(all).size, 2 * filesOf(phone).length)
})

test('after encryption was switched on or off the next backup is full, and the one after it incremental', async () => {
  const phone = newPhone({ files: 30, bytes: 50_000 })
  phone.agent.encryption.iterations = 10
  const host = newHost()
  const sentBy = async (request = BACKUP) => {
    const { response, received } = await hold(host, phone, request)
    assert.equal(response?.ErrorCode, 0)
    return received.filter((path) => /[0-9a-f]{40}$/.test(path)).length
  }
  assert.deepEqual([await sentBy(), await sentBy()], [30, 0])
  setUpEncryption(phone, { password: new Secret(PASSWORD) })
  assert.deepEqual([await sentBy(), await sentBy()], [30, 0])
  await assertHolds(host, phone)
  setBackupPassword(phone, undefined)
  assert.deepEqual([await sentBy(), await sentBy()], [30, 0])
  for (const entry of filesOf(phone)) {
    const id = fileIdOf(entry)
    const stored = host.files.get(`${UDID}/${id.slice(0, 2)}/${id}`)!
    assert.equal(Buffer.compare(stored, await bytesOnPhone(phone, entry)), 0)
  }
})

test('over the folder of another backup password the backup is full', async () => {
  const phone = newEncryptingPhone({ files: 30, bytes: 50_000 })
  const host = newHost()
  await hold(host, phone, BACKUP)
  setBackupPassword(phone, new Secret('another'))
  const { response, transcript } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.deepEqual(transcript.slice(0, 3), [
    `download ${UDID}/Status.plist`,
    `download ${UDID}/Manifest.plist`,
    'free space',
  ])
  await assertHolds(host, phone, 'another')
  await assert.rejects(decrypted(host))
})

// Source: docs/protocol/mobilebackup2.md#full-or-incremental (reported for one version of iOS).
test('an encrypted first backup that was cut begins again', async () => {
  const phone = newEncryptingPhone({ files: 300, bytes: 1_000_000 })
  const host = newHost()
  host.cutAfterBytes = 700_000
  await hold(host, phone, BACKUP)
  assert.ok(phone.agent.cache!.sent.size > 0)
  heal(host)
  const { response, received } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.equal(received.filter((path) => /[0-9a-f]{40}$/.test(path)).length, 300)
  await assertHolds(host, phone)
})

test('an encrypted incremental backup that was cut goes on with the keys it had', async () => {
  const phone = newEncryptingPhone({ files: 300, bytes: 1_000_000 })
  const host = newHost()
  await hold(host, phone, BACKUP)
  phone.contents.change({ seed: 3, rewrite: 200 })
  cutAt(host, 'DLMessageUploadFiles', 3)
  await hold(host, phone, BACKUP)
  const confirmed = phone.agent.cache!.sent.size
  assert.equal(confirmed, 128, 'one batch')
  heal(host)
  const { response, received } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.equal(received.filter((path) => /[0-9a-f]{40}$/.test(path)).length, 200 - confirmed)
  await assertHolds(host, phone)
})

for (const [name, nth] of [
  ['DLMessageMoveItems', 2],
  ['DLMessageMoveItems', 4],
  ['DLMessageMoveItems', 5],
  ['DLMessageRemoveItems', 1],
] as const) {
  test(`an encrypted backup cut at ${name} ${nth} is finished by the next one`, async () => {
    const phone = newEncryptingPhone({ files: 300, bytes: 300_000 })
    const host = newHost()
    cutAt(host, name, nth)
    await hold(host, phone, BACKUP)
    heal(host)
    const { response, received } = await hold(host, phone, BACKUP)
    assert.equal(response?.ErrorCode, 0)
    assert.equal(received.filter((path) => /[0-9a-f]{40}$/.test(path)).length, 0)
    await assertHolds(host, phone)
  })
}

test('a file that changes while it is read is sent once more, under another key', async () => {
  const phone = newEncryptingPhone()
  const host = newHost()
  const victim = filesOf(phone).find(({ size }) => size > 0)!
  let times = 0
  phone.agent.afterRead = ({ relativePath }) => {
    if (relativePath === victim.relativePath && times++ === 0) phone.contents.write(victim, Buffer.from('changed'))
  }
  assert.equal(await codeOf(host, phone), 0)
  await assertHolds(host, phone)
})

test('the room that is asked for is that of the encrypted files', async () => {
  const phone = newEncryptingPhone({ files: 40, bytes: 4_000 })
  const host = newHost()
  host.freeBytes = 1
  const text = textOf((await hold(host, phone, BACKUP)).response?.ErrorDescription)
  const stored = filesOf(phone).reduce((sum, { size }) => sum + Math.floor(size / 16) * 16 + 16, 0)
  assert.match(text ?? '', new RegExp(`\\(1 < ${stored + 128 * 2 ** 20}\\)`))
})

test('a finished backup whose manifest was damaged ends with 205, as without encryption', async () => {
  const phone = newEncryptingPhone({ files: 10, bytes: 1_000 })
  const host = newHost()
  await hold(host, phone, BACKUP)
  const database = host.files.get(`${UDID}/Manifest.db`)!
  host.files.set(`${UDID}/Manifest.db`, database.subarray(0, database.length - 5))
  assert.equal(await codeOf(host, phone), 205)
  host.files.set(`${UDID}/Manifest.db`, database.with(3, database[3]! ^ 1))
  assert.equal(await codeOf(host, phone), 205)
})

test('a key bag that is damaged ends with 205, not with a wrong password', async () => {
  const phone = newEncryptingPhone({ files: 10, bytes: 1_000 })
  const host = newHost()
  await hold(host, phone, BACKUP)
  const path = `${UDID}/Manifest.plist`
  const plist = Buffer.from(host.files.get(path)!)
  plist.write('SALZ', plist.indexOf('SALT'))
  host.files.set(path, plist)
  assert.equal(await codeOf(host, phone), 205)
})
