import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBinaryPlist } from '../../plist/index.ts'
import { type BackupStatus, encodeStatus, parseStatus } from './status-plist.ts'

const status: BackupStatus = {
  uuid: '0C4F1B5E-7D3A-4C7B-9E55-0123456789AB',
  version: '3.3',
  backupState: 'new',
  snapshotState: 'finished',
  isFullBackup: false,
  date: new Date(Date.UTC(2026, 0, 1)),
}

// Sizes: docs/protocol/mobilebackup2.md#statusplist (computed with another writer; 189 also seen on real phones).
for (const [snapshotState, backupState, bytes] of [
  ['uploading', 'empty', 192],
  ['uploading', 'new', 190],
  ['moving', 'new', 187],
  ['removing', 'new', 189],
  ['finished', 'new', 189],
] as const) {
  test(`a Status.plist that says ${backupState} and ${snapshotState} has ${bytes} bytes`, () => {
    assert.equal(encodeStatus({ ...status, snapshotState, backupState }).length, bytes)
  })
}

test('a status reads back as it was written', () => {
  const { date: _, ...rest } = status
  assert.deepEqual(parseStatus(encodeStatus(status)), { ...rest, version: 3.3 })
})

test('what is no status is nothing', () => {
  assert.equal(parseStatus(new Uint8Array(0)), undefined)
  assert.equal(parseStatus(Buffer.from('nonsense')), undefined)
  assert.equal(parseStatus(encodeBinaryPlist(['a'])), undefined)
  assert.equal(parseStatus(encodeBinaryPlist({ SnapshotState: 'dancing' })), undefined)
  assert.equal(parseStatus(encodeBinaryPlist({ SnapshotState: 'finished', Version: 'three' })), undefined)
})
