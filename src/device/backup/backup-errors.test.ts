import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backupError, cloudBackupError, passwordChangeError, restoreError } from './backup-errors.ts'

const description = 'as the phone said'

for (const [name, explain, expected] of [
  [
    'a backup',
    backupError,
    {
      1: 'device.backup-failed',
      9: 'device.backup-failed',
      11: 'device.backup-inconsistent',
      14: 'device.backup-failed',
      18: 'device.backup-failed',
      22: 'device.backup-forbidden',
      24: 'device.backup-forbidden',
      25: 'device.backup-icloud-restoring',
      100: 'device.backup-failed',
      101: 'device.backup-failed',
      102: 'device.backup-failed',
      103: 'device.backup-read-failed',
      104: 'device.backup-write-failed',
      105: 'device.backup-no-space',
      106: 'device.phone-full',
      202: 'device.backup-cancelled',
      203: 'device.backup-inconsistent',
      204: 'device.backup-inconsistent',
      205: 'device.backup-inconsistent',
      207: 'device.backup-password',
      208: 'device.backup-no-passcode',
      212: 'device.backup-setup-unfinished',
      220: 'device.backup-cancelled',
      987: 'device.backup-failed',
    },
  ],
  [
    'a restore',
    restoreError,
    {
      1: 'device.restore-failed',
      4: 'device.restore-damaged',
      22: 'device.backup-forbidden',
      25: 'device.backup-icloud-restoring',
      100: 'device.restore-failed',
      102: 'device.restore-failed',
      103: 'device.restore-damaged',
      105: 'device.phone-full',
      106: 'device.phone-full',
      202: 'device.backup-cancelled',
      203: 'device.restore-too-new',
      204: 'device.restore-damaged',
      205: 'device.restore-damaged',
      207: 'device.password-wrong',
      208: 'device.backup-no-passcode',
      211: 'device.find-my-on',
      212: 'device.backup-setup-unfinished',
      987: 'device.restore-failed',
    },
  ],
  [
    'a change of the password',
    passwordChangeError,
    {
      1: 'device.password-not-changed',
      22: 'device.backup-forbidden',
      104: 'device.password-not-changed',
      205: 'device.password-not-changed',
      207: 'device.password-wrong',
      208: 'device.backup-no-passcode',
      987: 'device.password-not-changed',
    },
  ],
  [
    'iCloud Backup',
    cloudBackupError,
    {
      1: 'device.cloud-not-changed',
      22: 'device.backup-forbidden',
      210: 'device.cloud-no-account',
      305: 'device.cloud-no-account',
      308: 'device.cloud-not-changed',
    },
  ],
] as const) {
  for (const [mbError, code] of Object.entries(expected)) {
    test(`error ${mbError} about ${name} is ${code}, with the phone's text`, () => {
      const error = explain({ code: Number(mbError), description })
      assert.equal(error.code, code)
      assert.match(error.message, new RegExp(`error ${mbError}: ${description}`))
    })
  }
}

test('an error that only says that something failed means the one below it', () => {
  const forbidden = 'Error setting WillEncrypt value (MBErrorDomain/1). Underlying error: Forbidden (MBErrorDomain/22).'
  assert.equal(restoreError({ code: 1, description: forbidden }).code, 'device.backup-forbidden')
  assert.equal(passwordChangeError({ code: 1, description: forbidden }).code, 'device.backup-forbidden')
  const full = 'Multiple errors uploading files (MBErrorDomain/104). Underlying error: Full (MBErrorDomain/105).'
  assert.equal(backupError({ code: 104, description: full }).code, 'device.backup-no-space')
})

test('an error with a meaning of its own keeps it, whatever is below', () => {
  const description = 'Manifest (MBErrorDomain/205). Underlying error: Locked (MBErrorDomain/208).'
  assert.equal(backupError({ code: 205, description }).code, 'device.backup-inconsistent')
})

for (const description of ['No account exists', 'The primary account is not provisioned for cloud backup']) {
  test(`"${description}" asks to sign in, though it has the number of any failure`, () => {
    assert.equal(cloudBackupError({ code: 1, description }).code, 'device.cloud-no-account')
  })
}

test('the same number asks for something else in a backup and in a restore', () => {
  const remedies = [backupError, restoreError, passwordChangeError].map((explain) =>
    explain({ code: 207, description }),
  )
  assert.equal(new Set(remedies.map(({ remedy }) => remedy)).size, 3)
})

test("a phone's text cannot steer a terminal", () => {
  assert.doesNotMatch(restoreError({ code: 1, description: '\u001b[2J\u202e' }).message, /\p{C}/u)
})
