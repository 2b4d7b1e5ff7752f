import assert from 'node:assert/strict'
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runTool, startTool } from '../testing/debian-tools.ts'
import { pairForTools } from '../testing/host.ts'
import { openTestWorld } from '../testing/world.ts'
import type { PowerNews } from './service.ts'

// Source of every expectation: what libimobiledevice's own tools print, version 1.3.0.

const world = await openTestWorld({ name: 'Ana’s iPhone' })
after(() => world[Symbol.asyncDispose]())
const { address } = world.mux
await pairForTools(address, { deviceId: 1, udid: world.phone.udid })

/** Logs the lines, a notice each, until the tool has printed what is waited for. */
async function logUntil(
  tool: { readonly output: () => string },
  lines: readonly (readonly [process: string, text: string])[],
  awaited: string,
): Promise<void> {
  while (!tool.output().includes(awaited)) {
    for (const [process, text] of lines) world.phone.log({ process, text })
    await runTool(address, 'idevice_id', '-l')
  }
}

// Side by side: the tools spend much of their time waiting.
describe('tools that only look', { concurrency: 4 }, () => {
  for (const [type, keys] of [
    ['All', ['GasGauge', 'HDMI', 'NAND', 'WiFi']],
    ['GasGauge', ['GasGauge']],
    ['WiFi', ['WiFi']],
    ['NAND', ['NAND']],
  ] as const) {
    test(`idevicediagnostics shows ${type}`, async () => {
      const { output, exitCode } = await runTool(address, 'idevicediagnostics', 'diagnostics', type)
      assert.equal(exitCode, 0)
      assert.deepEqual(
        [...output.matchAll(/^\t<key>(\w+)<\/key>/gm)].map(([, key]) => key),
        keys,
      )
    })
  }

  test('idevicediagnostics shows an entry of the registry, asked for with an empty class beside its name', async () => {
    const { output } = await runTool(address, 'idevicediagnostics', 'ioregentry', 'AppleSmartBattery')
    assert.match(output, /<key>Voltage<\/key>\s*<integer>4120<\/integer>/)
    assert.equal((await runTool(address, 'idevicediagnostics', 'ioregentry', 'NoSuchEntry')).exitCode, 1)
  })

  for (const plane of [[], ['IOService'], ['IOPower']]) {
    test(`idevicediagnostics shows the registry ${plane}`, async () => {
      const { output } = await runTool(address, 'idevicediagnostics', 'ioreg', ...plane)
      assert.match(output, /<string>Root<\/string>[\s\S]*<string>AppleSmartBattery<\/string>/)
    })
  }

  test('idevicediagnostics is not shown the device tree', async () => {
    assert.equal((await runTool(address, 'idevicediagnostics', 'ioreg', 'IODeviceTree')).exitCode, 1)
  })

  test('idevicediagnostics hears that MobileGestalt is gone', async () => {
    const { output } = await runTool(address, 'idevicediagnostics', 'mobilegestalt', 'ProductVersion')
    assert.match(output, /MobileGestaltDeprecated/)
  })

  test('idevicesyslog prints escapes as they are, and not the name of the phone', { timeout: 60_000 }, async () => {
    await using syslog = await startTool(address, 'idevicesyslog')
    await logUntil(syslog, [['backupd', 'für alle']], '<Notice>')
    await logUntil(syslog, [['backupd', 'für alle']], 'alle\n')
    assert.match(syslog.output(), /^Nov {2}2 03:04:05 backupd\[66\] <Notice>: f\\M-C\\M-<r alle$/m)
  })

  test('idevicesyslog -p shows one process only', { timeout: 60_000 }, async () => {
    await using syslog = await startTool(address, 'idevicesyslog', '-p', 'backupd')
    await logUntil(
      syslog,
      [
        ['cloudd', 'not this'],
        ['backupd', 'this'],
      ],
      ': this\n',
    )
    assert.doesNotMatch(syslog.output(), /not this/)
  })

  test('idevicesyslog -m shows matching lines only', { timeout: 60_000 }, async () => {
    await using syslog = await startTool(address, 'idevicesyslog', '-m', 'onPower:1')
    await logUntil(
      syslog,
      [
        ['backupd', 'onPower:0'],
        ['backupd', 'locked:1, onPower:1'],
      ],
      'onPower:1\n',
    )
    assert.doesNotMatch(syslog.output(), /onPower:0/)
  })
})

for (const [command, what] of [
  ['restart', 'restart'],
  ['shutdown', 'shutdown'],
  ['sleep', 'sleep'],
] as const) {
  test(`idevicediagnostics ${command} reaches the phone once the tool has gone`, async () => {
    const news: PowerNews[] = []
    const end = world.phone.power.add((one) => news.push(one))
    assert.equal((await runTool(address, 'idevicediagnostics', command)).exitCode, 0)
    end()
    assert.deepEqual(
      news.map((one) => one.what),
      [what],
    )
  })
}

test('idevicenotificationproxy ends with Shutdown and hears ProxyDeath', async () => {
  const posted: string[] = []
  const end = world.phone.events.add((event) => event.kind === 'notification' && posted.push(event.name))
  assert.equal(
    (await runTool(address, 'idevicenotificationproxy', 'post', 'com.example.one', 'com.example.two')).exitCode,
    0,
  )
  end()
  assert.deepEqual(posted, ['com.example.one', 'com.example.two'])
})

test('idevicecrashreport copies reports, and takes them from the phone unless told to keep them', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'crash-reports-'))
  const names = [...world.phone.crashReports.root.children.keys()].sort()
  assert.equal((await runTool(address, 'idevicecrashreport', '-k', folder.path)).exitCode, 0)
  assert.deepEqual((await readdir(folder.path)).sort(), names)
  const report = await readFile(join(folder.path, names.find((name) => name.startsWith('backupd-')) ?? ''), 'utf8')
  assert.match(report, /"app_name":"backupd"/)
  assert.equal((await runTool(address, 'idevicecrashreport', folder.path)).exitCode, 0)
  assert.ok(![...world.phone.crashReports.root.children.keys()].some((name) => name.endsWith('.ips')))
})
