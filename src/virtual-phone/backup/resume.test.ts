import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dictOf, encodeBinaryPlist, type Plist, parsePlist, textOf } from '../../plist/index.ts'
import { newPhone, type PhoneForTests, UDID } from '../testing/phone-for-tests.ts'
import { backedUp, copyOf } from '../testing/restoring.ts'
import { cutAt, heal, hold, newHost, type ScriptedHost } from '../testing/scripted-host.ts'
import { fileIdOf, payloadPath } from './file-id.ts'

const BACKUP = { MessageName: 'Backup' }
const STATUS = `${UDID}/Status.plist`

const idsOf = ({ contents }: PhoneForTests) =>
  [...contents.entries()].filter(({ kind }) => kind === 'file').map(fileIdOf)
const payloadOf = (host: ScriptedHost) => [...host.files.keys()].filter((path) => /\/[0-9a-f]{40}$/.test(path))
const expectedPayload = (phone: PhoneForTests) => idsOf(phone).map((id) => `${UDID}/${payloadPath(id)}`)
const uuidOf = (host: ScriptedHost) => textOf(dictOf(parsePlist(host.files.get(STATUS)!))?.UUID)

function assertComplete(host: ScriptedHost, phone: PhoneForTests): void {
  assert.deepEqual(payloadOf(host).sort(), expectedPayload(phone).sort())
}

const backup = await backedUp(newPhone())

/** A finished backup, to be spoiled by a test, and the phone that it is of. */
function finished() {
  return { phone: newPhone(), host: copyOf(backup) }
}

function rewriteStatus(host: ScriptedHost, change: Record<string, Plist>): void {
  const status = dictOf(parsePlist(host.files.get(STATUS)!))
  host.files.set(STATUS, encodeBinaryPlist({ ...status, ...change }))
}

test('a first backup that was cut sends again only what the host had not confirmed', async () => {
  const phone = newPhone()
  const host = newHost()
  host.cutAfterBytes = 700_000
  const cut = await hold(host, phone, BACKUP)
  assert.equal(cut.response, undefined)
  const confirmed = phone.agent.cache!.sent.size
  assert.ok(confirmed > 0 && confirmed < 300)
  heal(host)
  const uuid = uuidOf(host)
  const { response, received } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.equal(
    received.filter((path) => path.includes('/Snapshot/') && /[0-9a-f]{40}$/.test(path)).length,
    300 - confirmed,
  )
  assert.equal(uuidOf(host), uuid, 'the interrupted backup goes on')
  assertComplete(host, phone)
})

test('what the host lost of an interrupted backup is sent again', async () => {
  const phone = newPhone()
  const host = newHost()
  host.cutAfterBytes = 700_000
  await hold(host, phone, BACKUP)
  heal(host)
  for (const path of payloadOf(host)) host.files.delete(path)
  const { response } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assertComplete(host, phone)
})

test('a file that changed after it was sent and cut is sent again, one that is gone does not come back', async () => {
  const phone = newPhone()
  const host = newHost()
  cutAt(host, 'DLMessageMoveItems', 1)
  await hold(host, phone, BACKUP)
  host.files.set(STATUS, Buffer.from(host.files.get(STATUS)!))
  rewriteStatus(host, { SnapshotState: 'uploading', BackupState: 'empty', IsFullBackup: true })
  heal(host)
  phone.contents.change({ seed: 5, rewrite: 2, remove: 3 })
  const { response, transcript } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.ok(transcript.includes(`upload ${UDID}/Snapshot/**/* (2)`))
  assertComplete(host, phone)
})

// A first backup of 300 files: uploads are the status, 3 batches, Manifest.plist, Manifest.db, three times the status.
for (const [message, nth] of [
  ['DLMessageUploadFiles', 6],
  ['DLMessageUploadFiles', 7],
  ['DLMessageMoveItems', 5],
  ['DLMessageRemoveItems', 2],
  ['DLContentsOfDirectory', 100],
] as const) {
  test(`a first backup cut at ${message} ${nth} is finished by the next run`, async () => {
    const phone = newPhone()
    const host = newHost()
    cutAt(host, message, nth)
    assert.equal((await hold(host, phone, BACKUP)).response, undefined)
    heal(host)
    assert.equal((await hold(host, phone, BACKUP)).response?.ErrorCode, 0)
    assertComplete(host, phone)
  })
}

// 200 changed files: uploads are the status, 2 batches, Manifest.plist, Manifest.db, three times the status.
for (const [message, nth] of [
  ['DLMessageUploadFiles', 3],
  ['DLMessageMoveItems', 1],
  ['DLMessageUploadFiles', 7],
  ['DLMessageRemoveItems', 1],
  ['DLMessageUploadFiles', 8],
  ['DLContentsOfDirectory', 300],
] as const) {
  test(`an incremental backup cut at ${message} ${nth} is finished by the next run`, async () => {
    const { phone, host } = finished()
    phone.contents.change({ seed: 2, add: 150, rewrite: 40, move: 10, remove: 30 })
    cutAt(host, message, nth)
    assert.equal((await hold(host, phone, BACKUP)).response, undefined)
    heal(host)
    phone.contents.change({ seed: 3, add: 1, rewrite: 1, remove: 1 })
    assert.equal((await hold(host, phone, BACKUP)).response?.ErrorCode, 0)
    assertComplete(host, phone)
  })
}

test('after an error that the host was told of, everything is sent again', async () => {
  const phone = newPhone()
  const host = newHost()
  let uploads = 0
  host.meddle = ([name]) => (name === 'DLMessageUploadFiles' && ++uploads === 3 ? [-1, 'no', {}] : undefined)
  assert.equal((await hold(host, phone, BACKUP)).response?.ErrorCode, 104)
  assert.equal(phone.agent.cache, undefined)
  heal(host)
  const { received } = await hold(host, phone, BACKUP)
  assert.equal(received.filter((path) => /[0-9a-f]{40}$/.test(path)).length, 300)
})

// The decision table: docs/protocol/mobilebackup2.md#full-or-incremental
const isFull = (transcript: readonly string[]) => transcript.some((line) => line.includes('empty uploading full'))

test('without Status.plist a backup is full, and a phone that has changed gives it a new UUID', async () => {
  const { phone, host } = finished()
  const uuid = uuidOf(host)
  host.files.delete(STATUS)
  phone.contents.change({ seed: 1, add: 1 })
  const { transcript } = await hold(host, phone, BACKUP)
  assert.ok(isFull(transcript))
  assert.notEqual(uuidOf(host), uuid)
})

test('a Status.plist that is none ends the backup with 205', async () => {
  const { phone, host } = finished()
  host.files.set(STATUS, Buffer.from('nonsense'))
  const { response } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 205)
  assert.match(
    String(response?.ErrorDescription),
    /^Error reading status \(MBErrorDomain\/205\)\. Underlying error: .* \(MBErrorDomain\/11\)\.$/,
  )
})

test('a Status.plist that cannot be read ends the backup with 103', async () => {
  const { phone, host } = finished()
  let asked = false
  host.meddle = ([name]) => {
    if (name !== 'DLMessageDownloadFiles' || asked) return undefined
    asked = true
    return [-13, 'Multi status', { [STATUS]: { DLFileErrorCode: -1, DLFileErrorString: 'I/O error' } }]
  }
  assert.equal((await hold(host, phone, BACKUP)).response?.ErrorCode, 103)
})

test('an unsupported version makes the backup full', async () => {
  const { phone, host } = finished()
  rewriteStatus(host, { Version: '1.6' })
  const { response, transcript } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.ok(isFull(transcript))
})

test('a backup in the old format is put aside and removed at the end', async () => {
  const { phone, host } = finished()
  rewriteStatus(host, { Version: '2.4' })
  const { response, transcript } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.ok(isFull(transcript))
  assert.ok(transcript.includes(`move ${UDID}`))
  assert.ok(transcript.includes(`remove ${UDID}-20260601-000000`))
  assertComplete(host, phone)
})

test('finished with an empty manifest and the full flag, as some hosts seed it, makes the backup full', async () => {
  const phone = newPhone()
  const host = newHost()
  const seeded = { UUID: 'A', Version: '3.3', BackupState: 'new', SnapshotState: 'finished', IsFullBackup: true }
  host.files.set(STATUS, encodeBinaryPlist({ ...seeded, Date: new Date(0) }))
  host.files.set(`${UDID}/Manifest.plist`, new Uint8Array(0))
  const { response, transcript } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.ok(isFull(transcript))
})

for (const [name, inner] of [
  ['Manifest.plist', 11],
  ['Manifest.db', 12],
] as const) {
  test(`finished without the full flag, an empty ${name} ends the backup with 205`, async () => {
    const { phone, host } = finished()
    host.files.set(`${UDID}/${name}`, new Uint8Array(0))
    const { response } = await hold(host, phone, BACKUP)
    assert.equal(response?.ErrorCode, 205)
    assert.ok(String(response?.ErrorDescription).includes(`(MBErrorDomain/${inner})`))
  })

  test(`finished without the full flag, a missing ${name} ends the backup with 205`, async () => {
    const { phone, host } = finished()
    host.files.delete(`${UDID}/${name}`)
    assert.equal((await hold(host, phone, BACKUP)).response?.ErrorCode, 205)
  })
}

test('over an encrypted backup an unencrypted one is full', async () => {
  const { phone, host } = finished()
  host.files.set(`${UDID}/Manifest.plist`, encodeBinaryPlist({ IsEncrypted: true }))
  const { response, transcript } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.ok(isFull(transcript))
})

test('when the host lost a file, the next backup is full', async () => {
  const { phone, host } = finished()
  host.files.delete(payloadOf(host)[17]!)
  const { response, transcript } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.ok(isFull(transcript))
  assertComplete(host, phone)
})

test('files that no manifest knows are removed when an interrupted removal is finished', async () => {
  const { phone, host } = finished()
  rewriteStatus(host, { SnapshotState: 'removing' })
  const stray = `${UDID}/ab/${'ab'.repeat(20)}`
  host.files.set(stray, Buffer.from('left over'))
  assert.equal((await hold(host, phone, BACKUP)).response?.ErrorCode, 0)
  assert.equal(host.files.has(stray), false)
  assertComplete(host, phone)
})
