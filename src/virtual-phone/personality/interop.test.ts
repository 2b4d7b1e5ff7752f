import assert from 'node:assert/strict'
import { mkdtempDisposable, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { openSeededContents } from '../contents/index.ts'
import { openMuxServer } from '../mux/server.ts'
import { openVirtualPhone, type VirtualPhone } from '../phone.ts'
import { runTool } from '../testing/debian-tools.ts'
import { pairForTools } from '../testing/host.ts'
import { PERSONALITIES, type Personality } from './personalities.ts'

// Source of every expectation: what libimobiledevice's own tools print, version 1.3.0.

const clock = systemClock
const closing = new AsyncDisposableStack()
after(() => closing.disposeAsync())

async function openPhone({ name, ios }: Personality, seed: number): Promise<VirtualPhone> {
  const contents = openSeededContents({ seed, files: 20, bytes: 200_000, ios, clock })
  return closing.use(await openVirtualPhone({ seed, contents, clock, personality: name }))
}

const phones = await Promise.all(PERSONALITIES.map(openPhone))
const listen = { host: '127.0.0.1', port: 0 }
const { address } = closing.use(await openMuxServer({ phones, listen, signal: NEVER }))
for (const [index, { udid }] of phones.entries()) await pairForTools(address, { deviceId: index + 1, udid })

/** One tool with one phone of many. */
const run = ({ udid }: VirtualPhone, tool: string, ...args: readonly string[]) =>
  runTool(address, tool, '-u', udid, ...args)

test('iOS 27 tells of backups what a published dump has, and no more', async () => {
  const phone = phones.at(-1)!
  const { output } = await run(phone, 'ideviceinfo', '-q', 'com.apple.mobile.backup')
  assert.deepEqual(Array.from(output.matchAll(/^(\w+): /gm), ([, key]) => key).sort(), [
    'CloudBackupEnabled',
    'LastCloudBackupDate',
    'LastCloudBackupTZ',
  ])
})

// Side by side: the tools spend much of their time waiting.
describe('personalities', { concurrency: 4 }, () => {
  for (const [which, phone] of [
    ['oldest', phones[0]!],
    ['newest', phones.at(-1)!],
  ] as const) {
    test(`the ${which} personality is backed up whole by idevicebackup2`, async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'personality-'))
      const { output } = await run(phone, 'idevicebackup2', 'backup', folder.path)
      assert.match(output, /Backup Successful/)
      assert.match(output, /Negotiated Protocol Version 2.1/)
      const names = await readdir(join(folder.path, phone.udid))
      for (const name of ['Info.plist', 'Manifest.db', 'Manifest.plist', 'Status.plist'])
        assert.ok(names.includes(name))
    })
  }

  for (const [index, { name, model, ios }] of PERSONALITIES.entries()) {
    test(`${name} is paired with, and tells in a session what it is`, async () => {
      const phone = phones[index]!
      assert.match((await run(phone, 'idevicepair', 'validate')).output, /^SUCCESS/)
      const { output } = await run(phone, 'ideviceinfo')
      for (const [key, value] of [
        ['ProductType', model],
        ['ProductVersion', ios],
        ['BuildVersion', phone.identity.buildVersion],
        ['UniqueDeviceID', phone.udid],
        ['SerialNumber', phone.identity.serialNumber],
        ['CPUArchitecture', phone.udid.length === 40 ? 'arm64' : 'arm64e'],
      ] as const) {
        assert.match(output, new RegExp(`^${key}: ${value}$`, 'm'))
      }
      assert.equal(/^BootSessionID: /m.test(output), phone.traits.has('boot-session-id'))
      assert.match(
        (await run(phone, 'ideviceinfo', '-q', 'com.apple.mobile.backup')).output,
        /^CloudBackupEnabled: true$/m,
      )
      assert.match((await run(phone, 'idevicediagnostics', 'diagnostics')).output, /GasGauge/)
    })
  }
})
