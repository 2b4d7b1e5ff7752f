import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import { openMuxServer } from './mux/server.ts'
import { runTool } from './testing/debian-tools.ts'
import { openToolWorld } from './testing/tool-world.ts'

// What libimobiledevice does, version 1.3.0 as Debian has it. Source: docs/protocol/lockdown.md#libimobiledevice

// Side by side: the tools spend much of their time waiting.
describe('libimobiledevice 1.3.0', { concurrency: 4 }, () => {
  test('the root certificate is shown as the client certificate', async () => {
    await using world = await openToolWorld()
    await world.run('ideviceinfo')
    const shown = world.events.flatMap((event) => (event.kind === 'session' ? [event.certificate] : []))
    assert.deepEqual(shown, ['root'])
  })

  test('StopSession ends a session, and nobody says Goodbye', async () => {
    await using world = await openToolWorld()
    await world.run('ideviceinfo', '-k', 'ProductType')
    const requests = world.events.flatMap((event) => (event.kind === 'request' ? [event.request] : []))
    assert.deepEqual(requests, [
      'QueryType',
      'GetValue ProductVersion',
      'StartSession',
      'GetValue ProductType',
      'StopSession',
    ])
  })

  test('a HostID is made anew for every try to pair, but for tries within one second; the dialog survives that', async () => {
    await using world = await openToolWorld({ paired: false, condition: { trust: 'ask' } })
    const hostIds = () =>
      world.events.flatMap((event) => (event.kind === 'trust-asked' || event.kind === 'paired' ? [event.hostId] : []))
    while (new Set(hostIds()).size < 2) await world.run('idevicepair', 'pair')
    world.phone.condition.trustDialog.accept()
    assert.match(await world.run('idevicepair', 'pair'), /^SUCCESS/)
    assert.equal(world.events.filter(({ kind }) => kind === 'paired').length, 1)
  })

  test('a phone that forgot the computer is told as such, and not paired with again', async () => {
    await using world = await openToolWorld()
    world.phone.forgetHosts()
    assert.match(await world.run('ideviceinfo'), /Invalid HostID \(-21\)/)
    assert.ok(!world.events.some(({ kind }) => kind === 'paired'))
  })

  test('PasswordProtected is said of a locked phone that is to be paired, and of one that was not unlocked yet', async () => {
    await using world = await openToolWorld({ condition: { passcode: '1234', isLocked: true } })
    assert.match(await world.run('ideviceinfo'), /^SerialNumber: /m, 'a paired computer does not notice the lock')
    assert.match(await world.run('ideviceinfo', '-k', 'PasswordProtected'), /^true$/m)
    world.phone.restart()
    world.mux.detach(world.phone)
    world.mux.attach(world.phone)
    assert.match(await world.run('ideviceinfo'), /Password protected \(-17\)/)
    world.phone.condition.unlock()
    assert.match(await world.run('ideviceinfo'), /^SerialNumber: /m)
  })

  test('USBMUXD_SOCKET_ADDRESS is host:port or UNIX:path; a bare path is passed over in silence', async () => {
    await using world = await openToolWorld({ paired: false })
    const path = join(world.folder, 'mux')
    await using unix = await openMuxServer({ phones: [world.phone], listen: { path }, signal: NEVER })
    const lists = async (address: string) =>
      (await runTool(address, 'idevice_id', '-l')).output.includes(world.phone.udid)
    assert.equal(unix.address, `UNIX:${path}`)
    assert.equal(await lists(world.address), true)
    assert.equal(await lists(`UNIX:${path}`), true)
    assert.equal(await lists(path), false)
  })
})
