import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Secret } from '../../../base/secret.ts'
import { dictOf, encodeBinaryPlist, parsePlist, textOf } from '../../../plist/index.ts'
import { newPhone, type PhoneForTests, UDID } from '../../testing/phone-for-tests.ts'
import { backedUp, copyOf, digestsOf, newEmptyPhone, restoreTo } from '../../testing/restoring.ts'
import { hold } from '../../testing/scripted-host.ts'
import { BACKUP_DOMAIN, setBackupPassword } from '../backup-phone.ts'
import { fileIdOf, payloadPath } from '../file-id.ts'

const PASSWORD = 'Straße 7 🔑'

function encrypting(phone: PhoneForTests, password = PASSWORD): PhoneForTests {
  phone.agent.encryption.iterations = 1_000
  setBackupPassword(phone, new Secret(password))
  return phone
}

const original = encrypting(newPhone({ files: 60, bytes: 300_000 }))
after(() => original.contents[Symbol.asyncDispose]())
const digests = await digestsOf(original.contents)
const backup = await backedUp(original)
const plain = await backedUp(newPhone({ files: 60, bytes: 300_000 }))

test('an encrypted backup is restored with its password, which becomes that of the phone', async () => {
  const phone = newEmptyPhone()
  await using _ = phone.contents
  const { response } = await restoreTo(phone, backup, { options: { Password: PASSWORD } })
  assert.equal(response?.ErrorCode, 0)
  assert.deepEqual(await digestsOf(phone.contents), digests)
  assert.equal(phone.agent.encryption.password?.reveal(), PASSWORD)
  assert.equal(phone.lockdown.get(BACKUP_DOMAIN, 'WillEncrypt'), true)
})

test('the phone goes on with the backup that it was restored from', async () => {
  const phone = newPhone({ files: 1, bytes: 0 })
  await using _ = phone.contents
  const host = copyOf(backup)
  await restoreTo(phone, host, { options: { Password: PASSWORD } })
  phone.contents.write({ domain: 'HomeDomain', relativePath: 'Library/new.txt' }, Buffer.from('new'))
  const { response, received } = await hold(host, phone, { MessageName: 'Backup' })
  assert.equal(response?.ErrorCode, 0)
  assert.equal(received.filter((name) => /[0-9a-f]{40}$/.test(name)).length, 1)
})

test("an unencrypted backup takes the phone's password away", async () => {
  const phone = encrypting(newEmptyPhone(), 'another one')
  await using _ = phone.contents
  assert.equal((await restoreTo(phone, plain)).response?.ErrorCode, 0)
  assert.equal(phone.agent.encryption.password, undefined)
  assert.equal(phone.lockdown.get(BACKUP_DOMAIN, 'WillEncrypt'), false)
})

test('a restore of some apps leaves the password alone', async () => {
  const phone = encrypting(newEmptyPhone(), 'another one')
  await using _ = phone.contents
  const request = { ApplicationIDs: ['com.example.nothing'], options: { Password: PASSWORD } }
  assert.equal((await restoreTo(phone, backup, request)).response?.ErrorCode, 0)
  assert.equal(phone.agent.encryption.password?.reveal(), 'another one')
})

for (const [what, options] of [
  ['without a password', {}],
  ['with an empty password', { Password: '' }],
  ['with a wrong password', { Password: `${PASSWORD} ` }],
] as const) {
  test(`an encrypted backup ${what} ends with 207, before anything is looked at`, async () => {
    const phone = encrypting(newEmptyPhone(), 'another one')
    const before = await digestsOf(phone.contents)
    const { response, transcript } = await restoreTo(phone, backup, { options })
    assert.equal(response?.ErrorCode, 207)
    const says = textOf(response.ErrorDescription) ?? ''
    assert.match(says, /^Invalid password when restoring encrypted backup.*MKBKeyBagUnlock error \(-3\)/)
    assert.deepEqual(transcript, [`download ${UDID}/Manifest.plist`])
    assert.deepEqual(await digestsOf(phone.contents), before)
    assert.equal(phone.agent.encryption.password?.reveal(), 'another one')
  })
}

test('a key bag that is missing ends with 205', async () => {
  const host = copyOf(backup)
  const path = `${UDID}/Manifest.plist`
  const { BackupKeyBag: _, ...rest } = dictOf(parsePlist(host.files.get(path)!))!
  host.files.set(path, encodeBinaryPlist(rest))
  const { response } = await restoreTo(newEmptyPhone(), host, { options: { Password: PASSWORD } })
  assert.equal(response?.ErrorCode, 205)
})

test('a file that does not decrypt to an end, or has another digest than the manifest says, ends with 205', async () => {
  const payload = (domain: string) => {
    const entry = [...original.contents.entries()].findLast((one) => one.kind === 'file' && one.domain === domain)!
    const path = `${UDID}/${payloadPath(fileIdOf(entry))}`
    return { path, stored: backup.files.get(path)! }
  }
  const photo = payload('CameraRollDomain')
  const setting = payload('HomeDomain')
  for (const [path, stored] of [
    [photo.path, photo.stored.subarray(0, -1)],
    [photo.path, new Uint8Array(0)],
    [setting.path, Uint8Array.of(setting.stored[0]! ^ 1, ...setting.stored.subarray(1))],
  ] as const) {
    const host = copyOf(backup)
    host.files.set(path, stored)
    const { response } = await restoreTo(newEmptyPhone(), host, { options: { Password: PASSWORD } })
    assert.equal(response?.ErrorCode, 205)
    assert.match(textOf(response.ErrorDescription) ?? '', /^Multiple errors downloading files/)
  }
})
