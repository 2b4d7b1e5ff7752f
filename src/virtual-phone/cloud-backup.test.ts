import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import { dictOf, parsePlist } from '../plist/index.ts'
import { secondsSince2001 } from './apple-time.ts'
import { openTestWorld } from './testing/world.ts'

const world = await openTestWorld()
after(() => world[Symbol.asyncDispose]())
const { phone } = world
const BACKUP = 'com.apple.mobile.backup'
const NOTES = { domain: 'HomeDomain', relativePath: 'Library/Preferences/com.apple.MobileBackup.plist' }

async function notes() {
  const plist = parsePlist(Buffer.concat(await Array.fromAsync(phone.contents.read(NOTES, { signal: NEVER }))))
  return dictOf(dictOf(plist)?.BackupStateInfo) ?? {}
}

test('an iCloud backup that fails leaves its error and the old date', async () => {
  const before = phone.values.get(BACKUP, 'LastCloudBackupDate')
  phone.endCloudBackup({ code: 303 })
  assert.equal(JSON.stringify((await notes()).errors), '[{"Domain":"MBErrorDomain","Code":303}]')
  assert.equal(phone.values.get(BACKUP, 'LastCloudBackupDate'), before)
})

test('one that succeeds writes the date, and tells that it did', async () => {
  const posted: string[] = []
  const stop = phone.events.add((event) => event.kind === 'notification' && posted.push(event.name))
  phone.endCloudBackup()
  stop()
  assert.deepEqual((await notes()).errors, [])
  assert.equal(phone.values.get(BACKUP, 'LastCloudBackupDate'), secondsSince2001(phone.clock.nowMs()))
  assert.ok(posted.includes('com.apple.mobile.backup.domain_changed'))
})
