import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import { runTool, startTool } from './testing/debian-tools.ts'
import { connectTo, dialMux, muxFrame, pairForTools } from './testing/host.ts'
import { openTestPhone, openTestWorld } from './testing/world.ts'

// Source of every expectation: what libimobiledevice's own tools print, version 1.3.0.

/** A phone that is paired already: tools take a while to make their keys. */
async function openPairedWorld(options: Parameters<typeof openTestWorld>[0] = {}) {
  const world = await openTestWorld(options)
  await pairForTools(world.mux.address, { deviceId: 1, udid: world.phone.udid })
  return world
}

/** One for all tests that do not care. */
const paired = await openPairedWorld({ name: 'Änne <&> 📱' })
after(() => paired[Symbol.asyncDispose]())

// Side by side: the tools spend much of their time waiting.
describe('libimobiledevice', { concurrency: 4 }, () => {
  test('idevice_id lists every phone', async () => {
    await using world = await openTestWorld()
    const { phone: second } = await openTestPhone({ seed: 8, model: 'iPhone10,4' })
    world.mux.attach(second)
    const { output } = await runTool(world.mux.address, 'idevice_id', '-l')
    assert.deepEqual(output.split('\n'), [world.phone.udid, second.udid, ''])
    assert.match(second.udid, /^[0-9a-f]{40}$/)
  })

  test('idevicepair pairs, validates and unpairs', async () => {
    await using world = await openTestWorld()
    const { address } = world.mux
    const { udid } = world.phone
    assert.equal((await runTool(address, 'idevicepair', 'pair')).output, `SUCCESS: Paired with device ${udid}\n`)
    assert.equal(
      (await runTool(address, 'idevicepair', 'validate')).output,
      `SUCCESS: Validated pairing with device ${udid}\n`,
    )
    assert.equal((await runTool(address, 'idevicepair', 'unpair')).output, `SUCCESS: Unpaired with device ${udid}\n`)
    assert.equal((await runTool(address, 'idevicepair', 'unpair')).exitCode, 1)
  })

  for (const [what, condition, says] of [
    ['waits for Trust', { trust: 'ask' }, /Please accept the trust dialog on the screen of device/],
    ['was told not to trust', { trust: 'refuse' }, /said that the user denied the trust dialog/],
    ['is locked', { passcode: '1234', isLocked: true }, /passcode is set/],
  ] as const) {
    test(`idevicepair explains that the phone ${what}`, async () => {
      await using world = await openTestWorld({ condition })
      const { output, exitCode } = await runTool(world.mux.address, 'idevicepair', 'pair')
      assert.match(output, says)
      assert.equal(exitCode, 1)
    })
  }

  test('idevicepair pairs once the dialog is accepted', async () => {
    await using world = await openTestWorld({ condition: { trust: 'ask' } })
    await runTool(world.mux.address, 'idevicepair', 'pair')
    world.phone.condition.trustDialog.accept()
    assert.match((await runTool(world.mux.address, 'idevicepair', 'pair')).output, /^SUCCESS/)
  })

  test('ideviceinfo shows what the phone is without a session', async () => {
    const { output } = await runTool(paired.mux.address, 'ideviceinfo', '-s')
    assert.match(output, /^ProductType: iPhone15,4$/m)
    assert.match(output, new RegExp(`^UniqueChipID: ${paired.phone.identity.chipNumber}$`, 'm'))
    assert.doesNotMatch(output, /SerialNumber/)
  })

  for (const ios of ['9.3', '12.5', '18.5']) {
    test(`ideviceinfo opens a session with a phone on iOS ${ios}`, async () => {
      await using world = await openPairedWorld({ ios })
      const { output } = await runTool(world.mux.address, 'ideviceinfo')
      assert.match(output, new RegExp(`^ProductVersion: ${ios}$`, 'm'))
      assert.match(output, new RegExp(`^SerialNumber: ${world.phone.identity.serialNumber}$`, 'm'))
    })
  }

  test('ideviceinfo shows a domain, and one value of it', async () => {
    const { address } = paired.mux
    const domain = ['-q', 'com.apple.mobile.backup']
    assert.match((await runTool(address, 'ideviceinfo', ...domain)).output, /^CloudBackupEnabled: true$/m)
    assert.equal((await runTool(address, 'ideviceinfo', ...domain, '-k', 'CloudBackupEnabled')).output, 'true\n')
  })

  test('ideviceinfo can show the phone as XML, whatever its name holds', async () => {
    const { output } = await runTool(paired.mux.address, 'ideviceinfo', '-x')
    assert.match(output, /<string>Änne &lt;&amp;&gt; 📱<\/string>/)
  })

  test('idevicename reads and changes the name', async () => {
    await using world = await openPairedWorld({ name: 'Änne' })
    const { address } = world.mux
    assert.equal((await runTool(address, 'idevicename')).output, 'Änne\n')
    assert.equal((await runTool(address, 'idevicename', 'Näme')).output, "device name set to 'Näme'\n")
    assert.equal(world.phone.values.get('', 'DeviceName'), 'Näme')
  })

  test("idevicedate tells the phone's time", async () => {
    const { output } = await runTool(paired.mux.address, 'idevicedate')
    assert.match(output, /Nov {2}2 03:04:05 UTC 2026/)
  })

  test('idevicenotificationproxy hears what another one posts', { timeout: 60_000 }, async () => {
    const { address } = paired.mux
    const name = 'com.apple.mobile.backup.domain_changed'
    await using observer = await startTool(address, 'idevicenotificationproxy', 'observe', name)
    while (!observer.output().includes(`> ${name}\n`)) {
      await runTool(address, 'idevicenotificationproxy', 'post', name)
    }
  })

  test('a tool follows a phone that is plugged in again', async () => {
    await using world = await openPairedWorld()
    world.mux.detach(world.phone)
    assert.equal((await runTool(world.mux.address, 'ideviceinfo')).exitCode, 255)
    world.mux.attach(world.phone)
    assert.match((await runTool(world.mux.address, 'ideviceinfo')).output, /^SerialNumber/m)
  })

  test('tools are served while hostile clients are connected', async () => {
    await using world = await openTestWorld()
    const { address } = world.mux
    await using hostile = new AsyncDisposableStack()
    for (const bytes of [
      Uint8Array.from({ length: 1000 }, (_, index) => (37 * index) % 256),
      Uint8Array.of(0xff, 0xff, 0xff, 0x7f, 1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0),
      muxFrame({ MessageType: 'Listen' }).subarray(0, 40),
    ]) {
      const client = hostile.use(await dialMux(address))
      await client.write(bytes, { signal: NEVER })
    }
    const half = hostile.use(await connectTo(address, { deviceId: 1, port: 62078 }))
    await half.write(Uint8Array.of(0, 0, 1), { signal: NEVER })
    assert.match((await runTool(address, 'idevicepair', 'pair')).output, /^SUCCESS/)
    assert.match((await runTool(address, 'ideviceinfo')).output, /^SerialNumber/m)
  })
})
