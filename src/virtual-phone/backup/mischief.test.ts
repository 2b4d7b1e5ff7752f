import assert from 'node:assert/strict'
import { duplexPair } from 'node:stream'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { openChannel } from '../../base/channel.ts'
import { encodeBinaryPlist, type Plist } from '../../plist/index.ts'
import { newPhone, UDID } from '../testing/phone-for-tests.ts'
import { hold, newHost } from '../testing/scripted-host.ts'
import { MISCHIEFS } from './mischief.ts'
import { serveBackup } from './serve-backup.ts'

const signal = NEVER

function frame(message: readonly Plist[]): Uint8Array {
  const body = encodeBinaryPlist(message)
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  return Buffer.concat([head, body])
}

test('every lie has a name of its own', () => {
  assert.equal(new Set(MISCHIEFS.map(({ name }) => name)).size, MISCHIEFS.length)
})

for (const mischief of MISCHIEFS) {
  test(`a host that hangs up during "${mischief.name}" ends the session quietly`, async () => {
    const phone = newPhone({ files: 1, bytes: 1 })
    phone.faults.add({ do: 'mischief', name: mischief.name })
    const [left, right] = duplexPair()
    const channel = openChannel(left)
    right.write(frame(['DLMessageVersionExchange', 'DLVersionsOk', 400]))
    right.end(frame(['DLMessageProcessMessage', { MessageName: 'Backup', TargetIdentifier: UDID }]))
    right.resume()
    await serveBackup(channel, phone, { signal })
    assert.equal(phone.lockdown.get('com.apple.mobile.backup', 'LastiTunesBackupDate'), undefined)
  })
}

test('a refused lie is told in the response, a swallowed one ends in success', async () => {
  const phone = newPhone({ files: 1, bytes: 1 })
  phone.faults.add({ do: 'mischief', name: 'upload to the parent folder', times: 2 })
  const host = newHost()
  assert.equal((await hold(host, phone, { MessageName: 'Backup' })).response?.ErrorCode, 0)
  assert.ok(host.files.has(`${UDID}/../escaped`), 'this host believes everything')
  host.meddle = () => [-1, 'Path outside the backup', {}]
  const { response } = await hold(host, phone, { MessageName: 'Backup' })
  assert.equal(response?.ErrorCode, 104)
  assert.match(String(response?.ErrorDescription), /Path outside the backup/)
})
