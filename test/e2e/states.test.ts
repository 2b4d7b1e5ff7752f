import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { NEVER } from '../../src/base/abort.ts'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { isAppError } from '../../src/base/errors.ts'
import { askToPair, draftPairRecord, openSession, type Phone, pairAndWait } from '../../src/device/index.ts'
import { isIncomplete, listSnapshots } from '../../src/repository/index.ts'
import type { RunEvent } from '../../src/run/index.ts'
import { type ConditionState, PASSCODE_SHEET_MS } from '../../src/virtual-phone/index.ts'
import { openWorld, recorder } from '../testing/world.ts'

const signal = NEVER

/** A phone that is paired; every test puts it back as it was. */
const world = await openWorld()
after(() => world[Symbol.asyncDispose]())
const phone = await world.phone()
const { condition } = world.virtual
const everyday = condition.state

async function whileIn(state: Partial<ConditionState>, work: () => Promise<unknown>): Promise<void> {
  condition.set(state)
  try {
    await work()
  } finally {
    condition.set(everyday)
  }
}

/** The error that a run ends with, its remedy being more than a word. */
async function backupFails(expected: string, options: Parameters<typeof world.backUp>[0] = {}): Promise<void> {
  const before = await snapshotIds()
  await assert.rejects(
    world.backUp({ phone, ...options }),
    (error) => isAppError(error, expected) && error.remedy.length > 20,
  )
  assert.deepEqual(await snapshotIds(), before)
}

async function snapshotIds(): Promise<readonly string[]> {
  const snapshots = await listSnapshots(await world.repository(), { signal, onDamaged: assert.fail })
  return snapshots.filter((snapshot) => !isIncomplete(snapshot)).map(({ id }) => id)
}

test('a trust dialog is pending until somebody taps, and then trusted or refused', async () => {
  const draft = await draftPairRecord(phone, { systemBuid: 'TEST', signal })
  const ask = async () => (await askToPair(phone, draft, { signal })).state
  await whileIn({ trust: 'ask', passcode: '1234' }, async () => {
    assert.equal(await ask(), 'dialog')
    assert.equal(condition.trustDialog.accept({ passcode: '1234' }), true)
    assert.equal(await ask(), 'paired')
    assert.equal(await ask(), 'dialog')
    condition.trustDialog.refuse()
    assert.equal(await ask(), 'refused')
  })
})

test('a phone that refuses trust, or whose management forbids it, says which', async () => {
  const pair = () => pairAndWait(phone, { systemBuid: 'TEST', signal })
  await whileIn({ trust: 'refuse' }, () => assert.rejects(pair(), { code: 'device.trust-refused' }))
  await whileIn({ forbidsPairing: true }, () => assert.rejects(pair(), { code: 'device.supervised' }))
})

test('a locked phone does not pair, and says that it is locked', async () => {
  const draft = await draftPairRecord(phone, { systemBuid: 'TEST', signal })
  await whileIn({ passcode: '1234', isLocked: true }, async () => {
    assert.equal((await askToPair(phone, draft, { signal })).state, 'locked')
  })
})

test('a locked phone that is paired is backed up all the same', async () => {
  await whileIn({ passcode: '1234', passcodePrompt: 'accept', isLocked: true }, () => world.backUp())
})

for (const admitsBeforeFirstUnlock of [false, true]) {
  const where = admitsBeforeFirstUnlock ? 'the service' : 'the session'
  test(`a phone that nobody unlocked after its restart refuses ${where}, and asks to be unlocked once`, async () => {
    const state = { passcode: '1234', isLocked: true, isUnlockedSinceBoot: false, admitsBeforeFirstUnlock }
    await whileIn(state, () => backupFails('device.not-unlocked'))
    await using _session = await openSession(phone, { signal })
  })
}

const kindsOf = (events: readonly RunEvent[]) => events.map(({ kind }) => kind)

test('a passcode that is asked for and entered is told, and the backup goes on', async () => {
  await whileIn({ passcode: '1234', passcodePrompt: 'ask' }, async () => {
    const { events, onEvent } = recorder()
    const enter = (event: RunEvent) => {
      onEvent(event)
      if (event.kind === 'passcode-asked') condition.passcodeSheet.enter()
    }
    await world.backUp({ onEvent: enter })
    const kinds = kindsOf(events)
    assert.ok(kinds.indexOf('passcode-asked') < kinds.indexOf('passcode-done'))
    assert.ok(kinds.indexOf('passcode-done') < kinds.indexOf('space-asked'))
  })
})

test('a passcode that is refused is told as such', async () => {
  const { events, onEvent } = recorder()
  await whileIn({ passcode: '1234', passcodePrompt: 'refuse' }, () =>
    backupFails('device.backup-no-passcode', { onEvent }),
  )
  assert.ok(kindsOf(events).includes('passcode-asked'))
})

/** Sleeps of that length at most are over at once. */
const hurried = (msMax: number): Clock => ({
  ...systemClock,
  sleep: (ms, { signal }) => systemClock.sleep(ms <= msMax ? 0 : ms, { signal }),
})

test('a passcode that nobody enters ends the backup when the phone gives up', async () => {
  const clock = hurried(PASSCODE_SHEET_MS)
  await using world = await openWorld({ virtual: { clock, condition: { passcode: '1234', passcodePrompt: 'ask' } } })
  const { events, onEvent } = recorder()
  await assert.rejects(world.backUp({ onEvent }), { code: 'device.backup-no-passcode' })
  assert.deepEqual(
    kindsOf(events)
      .filter((kind) => kind.startsWith('passcode'))
      .slice(0, 2),
    ['passcode-asked', 'passcode-done'],
  )
})

async function enterWhenShown(): Promise<void> {
  while (!condition.passcodeSheet.enter()) await setImmediate()
}

test('a phone whose notifications cannot be heard is still said to ask for its passcode, after two seconds', async () => {
  world.virtual.faults.add({ do: 'cut', service: 'com.apple.mobile.notification_proxy' })
  await whileIn({ passcode: '1234', passcodePrompt: 'ask' }, async () => {
    const { events, onEvent } = recorder()
    let entered: Promise<void> | undefined
    const enter = (event: RunEvent) => {
      onEvent(event)
      if (event.kind === 'passcode-likely') entered = enterWhenShown()
    }
    await world.backUp({ phone: { ...phone, clock: hurried(2000) }, onEvent: enter })
    await entered
    assert.ok(kindsOf(events).includes('passcode-likely'))
    assert.ok(!kindsOf(events).includes('passcode-asked'))
  })
})

test('a phone before iOS 15.7.1 is not said to ask for its passcode', async () => {
  await using old = await openWorld({ ios: '14.8', virtual: { condition: { passcode: '1234' } } })
  const { events, onEvent } = recorder()
  await old.backUp({ phone: { ...(await old.phone()), clock: hurried(2000) }, onEvent })
  assert.deepEqual(
    kindsOf(events).filter((kind) => kind.startsWith('passcode')),
    [],
  )
})

for (const [what, state, expected] of [
  ['is not set up', { isSetUp: false }, 'device.backup-setup-unfinished'],
  ['may not be backed up by its management', { forbidsBackup: true }, 'device.backup-forbidden'],
  ['must encrypt and has no password', { requiresEncryption: true }, 'device.backup-password'],
  ['is full', { freeBytes: 1_000_000 }, 'device.phone-full'],
] as const) {
  test(`a phone that ${what} ends the backup with ${expected}`, async () => {
    await whileIn(state, () => backupFails(expected))
  })
}

test('a phone that another program syncs with is busy', async () => {
  await whileIn({ isSyncing: true }, () => backupFails('device.busy', { phone: { ...phone, clock: hurried(200) } }))
})

test('a phone that leaves the Wi-Fi ends the run with that reason, without waiting for its other connections', async () => {
  world.virtual.faults.add({ do: 'cut', service: 'com.apple.mobile.heartbeat' })
  await backupFails('device.heartbeat-lost', { phone: { ...phone, transport: 'wifi' } })
})

test('a phone that goes to sleep in the middle ends the run with that reason, and the next one goes on', async () => {
  await using world = await openWorld({ files: 300, bytes: 4_000_000 })
  const phone: Phone = { ...(await world.phone()), transport: 'wifi' }
  let files = 0
  const sleepy = (event: RunEvent) => {
    if (event.kind === 'file-received' && ++files === 100) {
      world.virtual.power.tell({ what: 'sleep', displayPass: false, displayFail: false })
    }
  }
  await assert.rejects(world.backUp({ phone, onEvent: sleepy }), { code: 'device.asleep' })
  await world.backUp({ phone })
})

test('a phone that restarts in the middle is told as such, and the next run goes on once it was unlocked', async () => {
  await using world = await openWorld({ files: 300, bytes: 4_000_000 })
  const { condition, faults } = world.virtual
  const phone = await world.phone()
  condition.set({ passcode: '1234', passcodePrompt: 'accept' })
  faults.add({ do: 'restart', service: 'com.apple.mobilebackup2', afterBytes: 1_500_000 })
  await assert.rejects(world.backUp({ phone }), { code: 'wire.closed' })
  assert.equal(faults.fired.length, 1)
  await assert.rejects(world.backUp({ phone }), { code: 'device.not-unlocked' })
  condition.unlock()
  await world.backUp({ phone })
})
