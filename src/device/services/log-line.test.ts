import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitsFilter } from './log-line.ts'

const line = { process: 'backupd', pid: 66, level: 'error', subsystem: 'com.apple.mobilebackup', text: '' } as const

test('a line has to fit all that is asked for', () => {
  assert.ok(fitsFilter(line, {}))
  assert.ok(fitsFilter(line, { process: 'backupd', pid: 66, level: 'warning', subsystem: 'com.apple.mobilebackup' }))
  assert.ok(!fitsFilter(line, { process: 'backup' }))
  assert.ok(!fitsFilter(line, { process: 'backupd', pid: 67 }))
  assert.ok(!fitsFilter(line, { subsystem: 'com.apple' }))
})

test('a level lets through itself and what matters more, and lines that have none', () => {
  assert.ok(fitsFilter(line, { level: 'error' }))
  assert.ok(!fitsFilter(line, { level: 'fault' }))
  assert.ok(fitsFilter({ ...line, level: 'critical' }, { level: 'fault' }))
  assert.ok(fitsFilter({ text: 'odd' }, { level: 'fault' }))
  assert.ok(!fitsFilter({ text: 'odd' }, { process: 'backupd' }))
})
