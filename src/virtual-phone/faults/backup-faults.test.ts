import assert from 'node:assert/strict'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { newPhone, type PhoneForTests, UDID } from '../testing/phone-for-tests.ts'
import { hold, newHost } from '../testing/scripted-host.ts'

const BACKUP = { MessageName: 'Backup' }

const kinds = ({ faults }: PhoneForTests) => faults.fired.map(({ fault }) => fault.do)

test('a file that ends with another code ends the backup with error 104, and the next one goes on', async () => {
  const phone = newPhone({ files: 20, bytes: 50_000 })
  phone.faults.add({ do: 'end-file', file: 3, code: 6, text: 'No such file or directory' })
  const host = newHost()
  const { response } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 104)
  assert.match(String(response?.ErrorDescription), /No such file or directory at path/)
  assert.deepEqual(kinds(phone), ['end-file'])
  assert.equal((await hold(host, phone, BACKUP)).response?.ErrorCode, 0)
})

test('a file that is sent twice is there in its second version', async () => {
  const phone = newPhone({ files: 20, bytes: 50_000 })
  phone.faults.add({ do: 'send-twice', file: 2 })
  const host = newHost()
  const { response, received } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  const twice = received.filter((name, index) => received.indexOf(name) !== index && !name.endsWith('/Status.plist'))
  assert.equal(twice.length, 1)
  const kept = host.files.get(twice[0]!.replace('/Snapshot/', '/'))
  assert.ok(kept !== undefined && !Buffer.from(kept).includes('an earlier version of this file'))
})

test('a phone that thinks there is no room asks for a purge and ends with 105, whatever the host says', async () => {
  const phone = newPhone({ files: 5, bytes: 5_000 })
  phone.faults.add({ do: 'misjudge-room', freeBytes: 0, times: 2 })
  const { response, transcript } = await hold(newHost(), phone, BACKUP)
  assert.equal(response?.ErrorCode, 105)
  assert.ok(
    transcript.some((line) => line.startsWith('purge ')),
    transcript.join(),
  )
  assert.ok(!transcript.some((line) => line.startsWith('upload ')), 'nothing was sent')
})

test('a phone that thinks there is room sends everything to a host that has none', async () => {
  const phone = newPhone({ files: 5, bytes: 5_000 })
  phone.faults.add({ do: 'misjudge-room', freeBytes: 1e15 })
  const host = { ...newHost(), freeBytes: 0 }
  const { response, transcript } = await hold(host, phone, BACKUP)
  assert.equal(response?.ErrorCode, 0)
  assert.ok(!transcript.some((line) => line.startsWith('purge ')))
})

test('a size that is announced wrong changes nothing about the files', async () => {
  const phone = newPhone({ files: 5, bytes: 5_000 })
  phone.faults.add({ do: 'misreport-size', bytes: 2 ** 50 })
  const host = newHost()
  const announced: unknown[] = []
  host.meddle = ([name, , , bytes]) => {
    if (name === 'DLMessageUploadFiles') announced.push(bytes)
    return undefined
  }
  assert.equal((await hold(host, phone, BACKUP)).response?.ErrorCode, 0)
  assert.ok(announced.includes(2 ** 50))
  assert.deepEqual(kinds(phone), ['misreport-size'])
})

test('a large Manifest.db is a database all the same, and the next backup builds on it', async () => {
  const bytes = 64 * 2 ** 20
  const phone = newPhone({ files: 20, bytes: 50_000 })
  phone.faults.add({ do: 'large-manifest', bytes })
  const host = newHost()
  assert.equal((await hold(host, phone, BACKUP)).response?.ErrorCode, 0)
  const manifest = host.files.get(`${UDID}/Manifest.db`)!
  assert.equal(manifest.length, bytes)

  await using folder = await mkdtempDisposable(join(tmpdir(), 'large-manifest-'))
  await writeFile(join(folder.path, 'Manifest.db'), manifest)
  using database = new DatabaseSync(join(folder.path, 'Manifest.db'), { readOnly: true })
  assert.deepEqual({ ...database.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' })
  const files = [...phone.contents.entries()].length
  assert.equal(database.prepare('SELECT count(*) AS rows FROM Files').get()?.rows, files)

  phone.contents.change({ seed: 1, rewrite: 2 })
  const second = await hold(host, phone, BACKUP)
  assert.equal(second.response?.ErrorCode, 0)
  assert.ok(host.files.get(`${UDID}/Manifest.db`)!.length < bytes)
})

test('what the phone is told about its state decides its answer', async () => {
  const codeWhen = async (state: Parameters<PhoneForTests['condition']['set']>[0]) => {
    const phone = newPhone({ files: 1, bytes: 1 })
    if (state.freeBytes !== undefined) phone.lockdown.set('com.apple.disk_usage', 'TotalDataAvailable', state.freeBytes)
    phone.condition.set(state)
    return (await hold(newHost(), phone, BACKUP)).response?.ErrorCode
  }
  assert.equal(await codeWhen({ forbidsBackup: true }), 22)
  assert.equal(await codeWhen({ freeBytes: 1000 }), 106)
  assert.equal(await codeWhen({ requiresEncryption: true }), 207)
  assert.equal(await codeWhen({ isSetUp: false }), 212)
  assert.equal(await codeWhen({ isRestoringFromCloud: true }), 25)
  assert.equal(await codeWhen({ passcode: '1', passcodePrompt: 'refuse' }), 208)
  assert.equal(await codeWhen({ passcode: '1', passcodePrompt: 'accept' }), 0)
  assert.equal(await codeWhen({ isLocked: true, passcode: '1', passcodePrompt: 'accept' }), 0)
})
