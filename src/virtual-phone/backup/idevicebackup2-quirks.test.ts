import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { systemClock } from '../../base/clock.ts'
import { PASSCODE_SHEET_MS } from '../condition/index.ts'
import type { PhoneEvent, VirtualPhone } from '../phone.ts'
import { startTool } from '../testing/debian-tools.ts'
import { stoppedClock } from '../testing/stopped-clock.ts'
import { openToolWorld } from '../testing/tool-world.ts'

// What idevicebackup2 does, version 1.3.0 as Debian has it. Source: docs/protocol/mobilebackup2.md#libimobiledevice

// Side by side: the tool spends much of its time waiting.
describe('idevicebackup2 1.3.0', { concurrency: 4 }, () => {
  test('30-second rule: silence inside a block is taken for its end, and the rest of the stream for nonsense', async () => {
    await using world = await openToolWorld({ clock: systemClock })
    world.phone.faults.add({ do: 'stall', service: 'com.apple.mobilebackup2', afterBytes: 400_000, ms: 31_000 })
    await using tool = await startTool(world.address, 'idevicebackup2', 'backup', world.folder)
    await tool.prints(/too large filename length|Backup Aborted|Backup Failed/)
    assert.doesNotMatch(tool.output(), /Backup Successful/)
    assert.equal(world.phone.faults.fired.length, 1)
  })

  test('30-second rule: silence between two messages may last as long as it likes', async () => {
    const clock = stoppedClock()
    await using world = await openToolWorld({ clock, condition: { passcode: '1234' } })
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
    await using world = await openToolWorld({ clock, condition: { passcode: '1234' } })
    world.phone.events.add((event) => {
      if (event.kind !== 'notification' || !event.name.endsWith('ui.presented')) return
      queueMicrotask(() => clock.pass(PASSCODE_SHEET_MS))
    })
    assert.match(await world.backUp(), /ErrorCode 208: Device locked/)
  })

  test('PurgeDiskSpace is never answered: both sides wait for ever', async () => {
    await using world = await openToolWorld()
    world.phone.faults.add({ do: 'misjudge-room', freeBytes: 0 })
    const fired = eventOf(world.phone, ({ kind }) => kind === 'fault')
    await using tool = await startTool(world.address, 'idevicebackup2', 'backup', world.folder)
    await fired
    await world.run('ideviceinfo')
    assert.doesNotMatch(tool.output(), /Backup (Successful|Failed|Aborted)|ErrorCode/)
  })

  test('a file that ends with code 0x06 and a text puts idevicebackup2 out of step', async () => {
    await using world = await openToolWorld()
    world.phone.faults.add({ do: 'end-file', file: 2, code: 6, text: 'No such file or directory' })
    const fired = eventOf(world.phone, ({ kind }) => kind === 'fault')
    await using tool = await startTool(world.address, 'idevicebackup2', 'backup', world.folder)
    await fired
    await world.run('ideviceinfo')
    assert.doesNotMatch(tool.output(), /Backup Successful|ErrorCode 104/, 'it never sees how the backup ends')
  })

  test('a file that ends with code 0x0b and a text is survived, and the error told', async () => {
    await using world = await openToolWorld()
    world.phone.faults.add({ do: 'end-file', file: 2, code: 11, text: 'Input/output error (5)' })
    assert.match(await world.backUp(), /ErrorCode 104: Multiple errors uploading files/)
  })

  test('a backup between a restart and the first unlock fails at the start of its service', async () => {
    const condition = { passcode: '1234', isUnlockedSinceBoot: false, admitsBeforeFirstUnlock: true }
    await using world = await openToolWorld({ condition })
    assert.match(await world.backUp(), /Could not start service com\.apple\.mobilebackup2/)
  })

  test('a phone whose management forbids backups, or demands a password, says so', async () => {
    await using world = await openToolWorld({ condition: { forbidsBackup: true } })
    assert.match(await world.backUp(), /ErrorCode 22: Backup is not allowed by device management/)
    world.phone.condition.set({ forbidsBackup: false, requiresEncryption: true })
    assert.match(await world.backUp(), /ErrorCode 207: /)
  })

  test('a phone that another program syncs with is waited for, and then backed up all the same', async () => {
    await using world = await openToolWorld({ condition: { isSyncing: true } })
    const asked = eventOf(world.phone, (event) => event.kind === 'notification' && event.name === LOCK_REQUEST)
    await using tool = await startTool(world.address, 'idevicebackup2', 'backup', world.folder)
    await asked
    world.phone.condition.set({ isSyncing: false })
    await tool.prints(/Backup Successful/)
  })
})

const LOCK_REQUEST = 'com.apple.itunes-mobdev.syncLockRequest'

/** Resolves at the first such event from now on. */
function eventOf(phone: VirtualPhone, isIt: (event: PhoneEvent) => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = phone.events.add((event) => isIt(event) && resolve())
  return promise.finally(stop)
}
