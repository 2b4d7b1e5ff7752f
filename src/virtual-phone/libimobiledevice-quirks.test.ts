import assert from 'node:assert/strict'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { type ConditionState, PASSCODE_SHEET_MS } from './condition/index.ts'
import { openSeededContents } from './contents/index.ts'
import { openMuxServer } from './mux/server.ts'
import { openVirtualPhone, type PhoneEvent, type VirtualPhone } from './phone.ts'
import { runTool, startTool } from './testing/debian-tools.ts'
import { pairForTools } from './testing/host.ts'
import { stoppedClock } from './testing/stopped-clock.ts'

// What libimobiledevice's tools do, version 1.3.0 as Debian has it. Source: docs/protocol/lockdown.md#libimobiledevice and
// docs/protocol/mobilebackup2.md#libimobiledevice

interface WorldOptions {
  readonly condition?: Partial<ConditionState>
  readonly clock?: Clock
  /** True unless given. */
  readonly paired?: boolean
}

/** A phone on a mux server, paired unless told otherwise, and a folder for backups. */
async function openWorld({ condition = {}, clock = stoppedClock(), paired = true }: WorldOptions = {}) {
  await using opened = new AsyncDisposableStack()
  const contents = openSeededContents({ seed: 5, files: 20, bytes: 1_000_000, ios: '18.5', clock })
  const phone = opened.use(await openVirtualPhone({ seed: 5, contents, clock }))
  const listen = { host: '127.0.0.1', port: 0 }
  const mux = opened.use(await openMuxServer({ phones: [phone], listen, signal: NEVER }))
  const { path: folder } = opened.use(await mkdtempDisposable(join(tmpdir(), 'quirks-')))
  const { address } = mux
  if (paired) await pairForTools(address, { deviceId: 1, udid: phone.udid })
  phone.condition.set(condition)
  const events: PhoneEvent[] = []
  phone.events.add((event) => events.push(event))
  const rest = opened.move()
  return {
    ...{ phone, mux, folder, address, events },
    run: async (tool: string, ...args: readonly string[]) => (await runTool(address, tool, ...args)).output,
    backUp: async () => (await runTool(address, 'idevicebackup2', 'backup', folder)).output,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

// Side by side: the tools spend much of their time waiting.
describe('libimobiledevice 1.3.0', { concurrency: 4 }, () => {
  test('30-second rule: silence inside a block is taken for its end, and the rest of the stream for nonsense', async () => {
    await using world = await openWorld({ clock: systemClock })
    world.phone.faults.add({ do: 'stall', service: 'com.apple.mobilebackup2', afterBytes: 400_000, ms: 31_000 })
    await using tool = await startTool(world.address, 'idevicebackup2', 'backup', world.folder)
    await tool.prints(/too large filename length|Backup Aborted|Backup Failed/)
    assert.doesNotMatch(tool.output(), /Backup Successful/)
    assert.equal(world.phone.faults.fired.length, 1)
  })

  test('30-second rule: silence between two messages may last as long as it likes', async () => {
    const clock = stoppedClock()
    await using world = await openWorld({ clock, condition: { passcode: '1234' } })
    world.phone.events.add((event) => {
      if (event.kind !== 'notification' || !event.name.endsWith('ui.presented')) return
      queueMicrotask(() => {
        clock.pass(PASSCODE_SHEET_MS - 1)
        world.phone.condition.passcodeSheet.enter()
      })
    })
    assert.match(await world.backUp(), /Backup Successful/)
  })

  test('a passcode that nobody enters ends in error 208, three minutes later by the clock of the phone', async () => {
    const clock = stoppedClock()
    await using world = await openWorld({ clock, condition: { passcode: '1234' } })
    world.phone.events.add((event) => {
      if (event.kind !== 'notification' || !event.name.endsWith('ui.presented')) return
      queueMicrotask(() => clock.pass(PASSCODE_SHEET_MS))
    })
    assert.match(await world.backUp(), /ErrorCode 208: Device locked/)
  })

  test('PurgeDiskSpace is never answered: both sides wait for ever', async () => {
    await using world = await openWorld()
    world.phone.faults.add({ do: 'misjudge-room', freeBytes: 0 })
    const fired = eventOf(world.phone, ({ kind }) => kind === 'fault')
    await using tool = await startTool(world.address, 'idevicebackup2', 'backup', world.folder)
    await fired
    await world.run('ideviceinfo')
    assert.doesNotMatch(tool.output(), /Backup (Successful|Failed|Aborted)|ErrorCode/)
  })

  test('a file that ends with code 0x06 and a text puts idevicebackup2 out of step', async () => {
    await using world = await openWorld()
    world.phone.faults.add({ do: 'end-file', file: 2, code: 6, text: 'No such file or directory' })
    const fired = eventOf(world.phone, ({ kind }) => kind === 'fault')
    await using tool = await startTool(world.address, 'idevicebackup2', 'backup', world.folder)
    await fired
    await world.run('ideviceinfo')
    assert.doesNotMatch(tool.output(), /Backup Successful|ErrorCode 104/, 'it never sees how the backup ends')
  })

  test('a file that ends with code 0x0b and a text is survived, and the error told', async () => {
    await using world = await openWorld()
    world.phone.faults.add({ do: 'end-file', file: 2, code: 11, text: 'Input/output error (5)' })
    assert.match(await world.backUp(), /ErrorCode 104: Multiple errors uploading files/)
  })

  test('the root certificate is shown as the client certificate', async () => {
    await using world = await openWorld()
    await world.run('ideviceinfo')
    const shown = world.events.flatMap((event) => (event.kind === 'session' ? [event.certificate] : []))
    assert.deepEqual(shown, ['root'])
  })

  test('StopSession ends a session, and nobody says Goodbye', async () => {
    await using world = await openWorld()
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
    await using world = await openWorld({ paired: false, condition: { trust: 'ask' } })
    const hostIds = () =>
      world.events.flatMap((event) => (event.kind === 'trust-asked' || event.kind === 'paired' ? [event.hostId] : []))
    while (new Set(hostIds()).size < 2) await world.run('idevicepair', 'pair')
    world.phone.condition.trustDialog.accept()
    assert.match(await world.run('idevicepair', 'pair'), /^SUCCESS/)
    assert.equal(world.events.filter(({ kind }) => kind === 'paired').length, 1)
  })

  test('a phone that forgot the computer is told as such, and not paired with again', async () => {
    await using world = await openWorld()
    world.phone.forgetHosts()
    assert.match(await world.run('ideviceinfo'), /Invalid HostID \(-21\)/)
    assert.ok(!world.events.some(({ kind }) => kind === 'paired'))
  })

  test('PasswordProtected is said of a locked phone that is to be paired, and of one that was not unlocked yet', async () => {
    await using world = await openWorld({ condition: { passcode: '1234', isLocked: true } })
    assert.match(await world.run('ideviceinfo'), /^SerialNumber: /m, 'a paired computer does not notice the lock')
    assert.match(await world.run('ideviceinfo', '-k', 'PasswordProtected'), /^true$/m)
    world.phone.restart()
    world.mux.detach(world.phone)
    world.mux.attach(world.phone)
    assert.match(await world.run('ideviceinfo'), /Password protected \(-17\)/)
    world.phone.condition.unlock()
    assert.match(await world.run('ideviceinfo'), /^SerialNumber: /m)
  })

  test('a backup between a restart and the first unlock fails at the start of its service', async () => {
    const condition = { passcode: '1234', isUnlockedSinceBoot: false, admitsBeforeFirstUnlock: true }
    await using world = await openWorld({ condition })
    assert.match(await world.backUp(), /Could not start service com\.apple\.mobilebackup2/)
  })

  test('a phone whose management forbids backups, or demands a password, says so', async () => {
    await using world = await openWorld({ condition: { forbidsBackup: true } })
    assert.match(await world.backUp(), /ErrorCode 22: Backup is not allowed by device management/)
    world.phone.condition.set({ forbidsBackup: false, requiresEncryption: true })
    assert.match(await world.backUp(), /ErrorCode 207: /)
  })

  test('a phone that another program syncs with is waited for, and then backed up all the same', async () => {
    await using world = await openWorld({ condition: { isSyncing: true } })
    const asked = eventOf(world.phone, (event) => event.kind === 'notification' && event.name === LOCK_REQUEST)
    await using tool = await startTool(world.address, 'idevicebackup2', 'backup', world.folder)
    await asked
    world.phone.condition.set({ isSyncing: false })
    await tool.prints(/Backup Successful/)
  })

  test('USBMUXD_SOCKET_ADDRESS is host:port or UNIX:path; a bare path is passed over in silence', async () => {
    await using world = await openWorld({ paired: false })
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

const LOCK_REQUEST = 'com.apple.itunes-mobdev.syncLockRequest'

/** Resolves at the first such event from now on. */
function eventOf(phone: VirtualPhone, isIt: (event: PhoneEvent) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = phone.events.add((event) => isIt(event) && resolve())
  return promise.finally(stop)
}
