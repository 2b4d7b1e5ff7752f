import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { Secret } from '../../base/secret.ts'
import { newPhone, type PhoneForTests, UDID } from '../testing/phone-for-tests.ts'
import { hold, newHost, type ScriptedHost } from '../testing/scripted-host.ts'
import { BACKUP_DOMAIN, setUpEncryption } from './backup-phone.ts'

const PASSWORD = 'correct horse'

/** A phone with a finished backup on a host. */
async function openBackup(password?: string): Promise<{ phone: PhoneForTests; host: ScriptedHost }> {
  const phone = newPhone({ files: 20, bytes: 50_000 })
  setUpEncryption(phone, { iterations: 10, ...(password !== undefined && { password: new Secret(password) }) })
  const host = newHost()
  assert.equal((await hold(host, phone, { MessageName: 'Backup' })).response?.ErrorCode, 0)
  return { phone, host }
}

test('iCloud backup is switched on and off', async () => {
  const phone = newPhone({ files: 1, bytes: 1 })
  for (const state of [true, false]) {
    const request = { MessageName: 'EnableCloudBackup', CloudBackupState: state }
    const { response, transcript } = await hold(newHost(), phone, request)
    assert.deepEqual([response?.ErrorCode, transcript], [0, []])
    assert.equal(phone.lockdown.get(BACKUP_DOMAIN, 'CloudBackupEnabled'), state)
  }
})

test('without an iCloud account there is no iCloud backup to switch on: error 1', async () => {
  const phone = newPhone({ files: 1, bytes: 1 })
  phone.condition.set({ hasCloudAccount: false })
  const request = { MessageName: 'EnableCloudBackup', CloudBackupState: true }
  const { response } = await hold(newHost(), phone, request)
  assert.equal(response?.ErrorCode, 1)
  assert.equal(response.ErrorDescription, 'No account exists (MBErrorDomain/1)')
  assert.equal(phone.lockdown.get(BACKUP_DOMAIN, 'CloudBackupEnabled'), undefined)
})

test('a phone is erased only when its owner allowed it, and then hangs up without a word', async () => {
  const phone = newPhone({ files: 1, bytes: 1 })
  const refused = await hold(newHost(), phone, { MessageName: 'EraseDevice' })
  assert.deepEqual([refused.response?.ErrorCode, phone.erasures], [1, 0])
  phone.condition.set({ mayBeErased: true })
  const erased = await hold(newHost(), phone, { MessageName: 'EraseDevice' })
  assert.deepEqual([erased.response, phone.erasures], [undefined, 1])
})

test('Remove is no longer supported', async () => {
  const { response } = await hold(newHost(), newPhone({ files: 1, bytes: 1 }), { MessageName: 'Remove' })
  assert.equal(response?.ErrorCode, 1)
  assert.match(String(response?.ErrorDescription), /no longer supported/)
})

test('Info and List of an encrypted backup are error 207, whatever password they bring', async () => {
  const { phone, host } = await openBackup(PASSWORD)
  for (const MessageName of ['Info', 'List']) {
    const { response, transcript } = await hold(host, phone, { MessageName, Password: PASSWORD })
    assert.equal(response?.ErrorCode, 207)
    assert.deepEqual(transcript, [`download ${UDID}/Manifest.plist`])
  }
})

for (const password of [undefined, PASSWORD]) {
  const what = password === undefined ? 'unencrypted' : 'encrypted'

  test(`Extract puts one file of an ${what} backup into the host's folder, as it was on the phone`, async () => {
    const { phone, host } = await openBackup(password)
    const [entry] = [...phone.contents.entries()].filter(({ kind, size }) => kind === 'file' && size > 100)
    const { domain: DomainName, relativePath: RelativePath } = entry!
    const Password = password === undefined ? {} : { Password: password }
    const { response } = await hold(host, phone, { MessageName: 'Extract', DomainName, RelativePath, ...Password })
    assert.equal(response?.ErrorCode, 0)
    const expected = Buffer.concat(await Array.fromAsync(phone.contents.read(entry!, { signal: NEVER })))
    assert.equal(Buffer.compare(host.files.get(RelativePath.split('/').at(-1)!)!, expected), 0)
  })

  test(`Unback of an ${what} backup reads the manifest, and the phone hangs up`, async () => {
    const { phone, host } = await openBackup(password)
    const Password = password === undefined ? {} : { Password: password }
    const { response, transcript } = await hold(host, phone, { MessageName: 'Unback', ...Password })
    assert.equal(response, undefined)
    assert.deepEqual(transcript, [
      'folder _unback_',
      `folder _unback_/${UDID}`,
      `download ${UDID}/Manifest.plist`,
      `download ${UDID}/Manifest.db`,
    ])
  })
}

test('Extract and Unback with a wrong password, or none, are error 207', async () => {
  const { phone, host } = await openBackup(PASSWORD)
  for (const MessageName of ['Extract', 'Unback']) {
    for (const keys of [{}, { Password: 'wrong' }]) {
      assert.equal((await hold(host, phone, { MessageName, ...keys })).response?.ErrorCode, 207)
    }
  }
})

test('Extract of a file that is not in the backup is error 4, of one that the host lost 205', async () => {
  const { phone, host } = await openBackup()
  const [entry] = [...phone.contents.entries()].filter(({ kind }) => kind === 'file')
  const extract = (RelativePath: string) =>
    hold(host, phone, { MessageName: 'Extract', DomainName: entry!.domain, RelativePath })
  assert.equal((await extract('no/such/file')).response?.ErrorCode, 4)
  for (const path of host.files.keys()) if (/[0-9a-f]{40}$/.test(path)) host.files.delete(path)
  assert.equal((await extract(entry!.relativePath)).response?.ErrorCode, 205)
})
