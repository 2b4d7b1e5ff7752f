import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import { encodeBinaryPlist, encodeXmlPlist } from '../plist/index.ts'
import { parseStatus } from './index.ts'

const STATUS = {
  UUID: 'F6A8C1B2-0D3E-4F5A-9B8C-7D6E5F4A3B2C',
  Version: '3.3',
  Date: new Date('2024-02-03T04:05:06Z'),
  BackupState: 'new',
  SnapshotState: 'finished',
  IsFullBackup: false,
}

test('a status is read, whoever wrote it', () => {
  for (const encode of [encodeBinaryPlist, encodeXmlPlist]) {
    assert.deepEqual(parseStatus(encode(STATUS)), {
      uuid: 'F6A8C1B2-0D3E-4F5A-9B8C-7D6E5F4A3B2C',
      version: '3.3',
      dateMs: Date.UTC(2024, 1, 3, 4, 5, 6),
      backupState: 'new',
      snapshotState: 'finished',
      isFullBackup: false,
    })
  }
})

for (const key of Object.keys(STATUS)) {
  test(`a status whose ${key} is missing or of another type is damaged`, () => {
    const { [key]: _, ...rest } = { ...STATUS } as Record<string, string | Date | boolean>
    for (const status of [rest, { ...rest, [key]: 7 }]) {
      assert.throws(
        () => parseStatus(encodeBinaryPlist(status)),
        (error) => isAppError(error, 'backup-set.damaged') && error.message.includes(key),
      )
    }
  })
}

test('a status that is no dictionary is damaged, an empty one malformed', () => {
  assert.throws(
    () => parseStatus(encodeBinaryPlist(['finished'])),
    (error) => isAppError(error, 'backup-set.damaged'),
  )
  assert.throws(
    () => parseStatus(new Uint8Array(0)),
    (error) => isAppError(error, 'plist.malformed'),
  )
})
