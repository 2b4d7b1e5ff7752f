import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../base/secret.ts'
import { decryptBackup } from '../testing/decrypted-backup.ts'
import { newPhone, type PhoneForTests, UDID } from '../testing/phone-for-tests.ts'
import { hold, newHost, type ScriptedHost } from '../testing/scripted-host.ts'
import { BACKUP_DOMAIN, setUpEncryption } from './backup-phone.ts'

const PLIST = `${UDID}/Manifest.plist`
const LOOKS = [`download ${UDID}/Snapshot/Manifest.plist`, `download ${PLIST}`]

function newTestPhone(password?: string): PhoneForTests {
  const phone = newPhone({ files: 10, bytes: 10_000 })
  setUpEncryption(phone, { iterations: 10, ...(password !== undefined && { password: new Secret(password) }) })
  return phone
}

const passwordOf = ({ agent }: PhoneForTests) => agent.encryption.password?.reveal()
const willEncrypt = ({ lockdown }: PhoneForTests) => lockdown.get(BACKUP_DOMAIN, 'WillEncrypt')

async function change(phone: PhoneForTests, keys: { OldPassword?: string; NewPassword?: string }, host = newHost()) {
  const { response, transcript } = await hold(host, phone, { MessageName: 'ChangePassword', ...keys })
  const { ErrorCode: code, ErrorDescription: text } = response ?? {}
  return { code, text, transcript }
}

const decrypted = (host: ScriptedHost, password: string) =>
  decryptBackup(async (path) => host.files.get(`${UDID}/${path}`)!, password)

test('a new password switches encryption on, the old one off, both together change it; lockdownd tells', async () => {
  const phone = newTestPhone()
  assert.deepEqual(await change(phone, { NewPassword: 'one' }), { code: 0, text: undefined, transcript: LOOKS })
  assert.deepEqual([passwordOf(phone), willEncrypt(phone)], ['one', true])
  assert.deepEqual(await change(phone, { OldPassword: 'one', NewPassword: 'two' }), {
    code: 0,
    text: undefined,
    transcript: LOOKS,
  })
  assert.deepEqual([passwordOf(phone), willEncrypt(phone)], ['two', true])
  assert.deepEqual(await change(phone, { OldPassword: 'two' }), { code: 0, text: undefined, transcript: LOOKS })
  assert.deepEqual([passwordOf(phone), willEncrypt(phone)], [undefined, false])
})

test('a wrong or missing old password is error 207, and nothing changes or is looked at', async () => {
  const phone = newTestPhone('one')
  const wrong = { code: 207, text: 'Invalid password (MBErrorDomain/207)', transcript: [] }
  assert.deepEqual(await change(phone, { OldPassword: 'two', NewPassword: 'three' }), wrong)
  assert.deepEqual(await change(phone, { OldPassword: 'two' }), wrong)
  assert.deepEqual(await change(phone, { NewPassword: 'three' }), wrong)
  assert.deepEqual(await change(phone, {}), wrong)
  assert.deepEqual(await change(newTestPhone(), { OldPassword: 'one' }), wrong)
  assert.equal(passwordOf(phone), 'one')
})

test('a request without any password is error 1', async () => {
  assert.equal((await change(newTestPhone(), {})).code, 1)
  assert.equal((await change(newTestPhone(), { NewPassword: '' })).code, 1)
})

test('where device management demands encryption it is not switched off: error 1 with 22 inside', async () => {
  const phone = newTestPhone('one')
  phone.condition.set({ requiresEncryption: true })
  const { code, text } = await change(phone, { OldPassword: 'one' })
  assert.equal(code, 1)
  assert.match(String(text), /^Error setting WillEncrypt value \(MBErrorDomain\/1\)\..*\(MBErrorDomain\/22\)\.$/)
  assert.equal(passwordOf(phone), 'one')
  assert.equal((await change(phone, { OldPassword: 'one', NewPassword: 'two' })).code, 0)
})

test('a phone that must encrypt backs up only after it was given a password', async () => {
  const phone = newTestPhone()
  phone.condition.set({ requiresEncryption: true })
  const host = newHost()
  assert.equal((await hold(host, phone, { MessageName: 'Backup' })).response?.ErrorCode, 207)
  await change(phone, { NewPassword: 'one' }, host)
  assert.equal((await hold(host, phone, { MessageName: 'Backup' })).response?.ErrorCode, 0)
})

test('the passcode is asked for first, and refused it is error 208', async () => {
  const phone = newTestPhone()
  phone.condition.set({ passcode: '1234', passcodePrompt: 'refuse' })
  const { code, transcript } = await change(phone, { NewPassword: 'one' })
  assert.deepEqual([code, transcript], [208, []])
  assert.equal(passwordOf(phone), undefined)
  phone.condition.set({ passcodePrompt: 'accept' })
  assert.equal((await change(phone, { NewPassword: 'one' })).code, 0)
})

test('before iOS 13 the passcode is not asked for', async () => {
  const phone = newPhone({ files: 10, bytes: 10_000, ios: '12.5' })
  phone.condition.set({ passcode: '1234', passcodePrompt: 'refuse' })
  assert.equal((await change(phone, { NewPassword: 'one' })).code, 0)
  assert.deepEqual([passwordOf(phone), phone.posted], ['one', []])
})

test('the backup on the host follows the new password, and goes on incrementally', async () => {
  const phone = newTestPhone('one')
  const host = newHost()
  await hold(host, phone, { MessageName: 'Backup' })
  const { code, transcript } = await change(phone, { OldPassword: 'one', NewPassword: 'two' }, host)
  assert.equal(code, 0)
  assert.deepEqual(transcript, [...LOOKS, `upload ${PLIST}`])
  assert.equal((await decrypted(host, 'two')).size > 10, true)
  await assert.rejects(decrypted(host, 'one'))
  const { received } = await hold(host, phone, { MessageName: 'Backup' })
  assert.equal(received.filter((path) => /[0-9a-f]{40}$/.test(path)).length, 0)
})

test('the manifest in Snapshot is the newer one, and follows in place of the other', async () => {
  const phone = newTestPhone('one')
  const host = newHost()
  await hold(host, phone, { MessageName: 'Backup' })
  const newer = `${UDID}/Snapshot/Manifest.plist`
  host.files.set(newer, host.files.get(PLIST)!)
  const { transcript } = await change(phone, { OldPassword: 'one', NewPassword: 'two' }, host)
  assert.deepEqual(transcript, [`download ${newer}`, `upload ${newer}`])
})

test('a host that has only an unencrypted, a foreign or a broken backup keeps it as it is', async () => {
  const host = newHost()
  const foreign = newTestPhone('another')
  const unencrypted = newTestPhone()
  for (const owner of [unencrypted, foreign]) {
    await hold(host, owner, { MessageName: 'Backup' })
    assert.deepEqual(
      (await change(newTestPhone('one'), { OldPassword: 'one', NewPassword: 'two' }, host)).transcript,
      LOOKS,
    )
  }
  host.files.set(PLIST, new Uint8Array(0))
  const { code, transcript } = await change(newTestPhone('one'), { OldPassword: 'one', NewPassword: 'two' }, host)
  assert.deepEqual([code, transcript], [0, LOOKS])
})

test('a backup stays under its password when encryption is switched off', async () => {
  const phone = newTestPhone('one')
  const host = newHost()
  await hold(host, phone, { MessageName: 'Backup' })
  assert.deepEqual((await change(phone, { OldPassword: 'one' }, host)).transcript, LOOKS)
  assert.ok(await decrypted(host, 'one'))
})

test('a changed password makes the phone forget what it sent of an unfinished backup', async () => {
  const phone = newTestPhone()
  const host = newHost()
  host.meddle = ([name]) => (name === 'DLMessageMoveItems' ? 'cut' : undefined)
  await hold(host, phone, { MessageName: 'Backup' })
  assert.ok(phone.agent.cache)
  await change(phone, { NewPassword: 'one' })
  assert.equal(phone.agent.cache, undefined)
})
