import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { openNotebook } from '../../src/doctor/index.ts'
import { type ConditionState, openSeededContents, openVirtualPhone, openWifi } from '../../src/virtual-phone/index.ts'
import { type Answer, onTerminal } from '../testing/on-terminal.ts'
import { phonekeep, startPhonekeep, surroundings } from '../testing/phonekeep.ts'
import { openWorld } from '../testing/world.ts'

const ENTER = '\r'
const DAY_S = 86_400
const BACKUP = 'com.apple.mobile.backup'
const HEALTHY = 0
const UNSURE = 50
const PROBLEM = 51

/** Apple's two feeds, as a test wants them. */
async function openAppleFeeds() {
  const feeds = { outage: false, newest: '18.7', answer: undefined as string | undefined }
  const server = createServer((request, response) => {
    if (feeds.answer !== undefined) return void response.end(feeds.answer)
    response.end(JSON.stringify(request.url === '/status' ? statusOf(feeds) : updatesOf(feeds)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const base = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const env = { PHONEKEEP_APPLE_STATUS_URL: `${base}/status`, PHONEKEEP_APPLE_UPDATES_URL: `${base}/updates` }
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { feeds, env, close }
}

function statusOf({ outage }: { outage: boolean }) {
  const event = { eventStatus: 'ongoing', statusType: 'Outage', epochStartDate: Date.now() - 30 * DAY_S * 1000 }
  const names = ['iCloud Backup', 'iCloud Account & Sign In', 'iCloud Storage Upgrades']
  return {
    services: names.map((serviceName) => ({
      serviceName,
      events: outage && serviceName === 'iCloud Backup' ? [event] : [],
    })),
  }
}

function updatesOf({ newest }: { newest: string }) {
  const SupportedDevices = ['iPhone15,4', 'iPhone12,1']
  return { PublicAssetSets: { iOS: [{ ProductVersion: newest, SupportedDevices, ExpirationDate: '2099-01-01' }] } }
}

const apple = await openAppleFeeds()
after(() => apple.close())
const world = await openWorld({ files: 20, bytes: 200_000, virtual: { name: 'Ana Secret' } })
after(() => world[Symbol.asyncDispose]())
const { virtual } = world
// From now on usbmuxd knows this computer as one that the phone trusts, whatever its state folder.
assert.equal((await phonekeep(['pair'], surroundings(world))).exitCode, 0)
const caches = await mkdtempDisposable(join(tmpdir(), 'phonekeep-doctor-'))
after(() => caches.remove())
let visits = 0

/** The surroundings of one person with a cable; what the feeds said before is forgotten, and so is what was tried. */
function person(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { USBMUXD_SOCKET_ADDRESS = '' } = surroundings(world)
  const own = join(caches.path, String(++visits))
  const places = { PHONEKEEP_STATE: join(own, 'state'), PHONEKEEP_CACHE: join(own, 'cache') }
  return { USBMUXD_SOCKET_ADDRESS, ...places, ...apple.env, LANG: 'C', NO_COLOR: '1', ...more }
}

/** The phone as it is every day, but for what is given; last backed up to iCloud so many days ago. */
function usePhone(condition: Partial<ConditionState> = {}, { daysAgo = 0.5 }: { daysAgo?: number } = {}): void {
  virtual.condition.set({ ...EVERYDAY, ...condition })
  virtual.values.set(BACKUP, 'CloudBackupEnabled', true)
  virtual.values.set(BACKUP, 'LastCloudBackupDate', Math.floor(Date.now() / 1000 - 978_307_200 - daysAgo * DAY_S))
  virtual.values.set('', 'ProductVersion', '18.7')
  Object.assign(apple.feeds, { outage: false, newest: '18.7', answer: undefined })
}

const EVERYDAY: Partial<ConditionState> = {
  passcode: undefined,
  isLocked: false,
  power: 'charging',
  isOnWifi: true,
  hasCloudAccount: true,
  isCloudProvisioned: true,
  forbidsCloudBackup: false,
  isCloudSwitchStuck: false,
  freeBytes: undefined,
  clockAheadMs: 0,
}

interface Told {
  readonly verdict: { readonly icloud: string; readonly local: string; readonly protected: string }
  readonly cause: string | null
  readonly findings: readonly {
    readonly check: string
    readonly status: string
    readonly evidence: readonly string[]
  }[]
  readonly nextStep: { readonly remedy: string; readonly steps: readonly string[] } | null
}

async function examine(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const { out, err, exitCode } = await phonekeep(['doctor', '--json', ...args], env)
  assert.notEqual(out, '', err)
  const told: Told = JSON.parse(out)
  return { told, exitCode, statuses: new Map(told.findings.map(({ check, status }) => [check, status])) }
}

/** To whatever else is asked: I don't know, no, and that is all. */
const RETURN: Answer = [/> $|Return: later\) $|Eingabetaste: später\) $|\[[yj]\/N\] $/, ENTER]

const onScreen = (args: readonly string[], env: Readonly<Record<string, string>>, answers: readonly Answer[]) =>
  onTerminal(['doctor', ...args], env, answers, RETURN)

test('a healthy phone is told to be one, with nine checks and nothing else to read for programs', async () => {
  usePhone()
  const { told, exitCode } = await examine(person(), '--lang', 'en')
  assert.equal(exitCode, HEALTHY, JSON.stringify(told))
  assert.deepEqual(Object.keys(told), ['verdict', 'cause', 'findings', 'nextStep'])
  assert.deepEqual(told.verdict, { icloud: 'healthy', local: 'unknown', protected: 'protected' })
  assert.deepEqual([told.cause, told.nextStep], [null, null])
  const checks = ['switch', 'wifi', 'power', 'storage', 'service', 'account', 'restart', 'settings', 'update']
  assert.deepEqual(
    told.findings.map(({ check }) => check),
    checks,
  )
  for (const { check, status } of told.findings) assert.equal(status, 'ok', check)
})

test('the switch is off: it is turned on with a yes, and a second look says it is well', async () => {
  usePhone()
  virtual.values.set(BACKUP, 'CloudBackupEnabled', false)
  const env = person()
  const { told, exitCode } = await examine(env)
  assert.deepEqual([told.cause, told.nextStep?.remedy, exitCode], ['switch-off', 'enable-cloud-backup', PROBLEM])
  const { shown, exitCode: after } = await onScreen([], env, [[/Switch iCloud Backup on now\? \[y\/N\] /, `y${ENTER}`]])
  assert.equal(after, HEALTHY, shown)
  assert.match(shown, /Backups to iCloud are working/)
  assert.equal(virtual.values.get(BACKUP, 'CloudBackupEnabled'), true)
})

test('a no changes nothing, and the steps for doing it by hand come up', async () => {
  usePhone()
  virtual.values.set(BACKUP, 'CloudBackupEnabled', false)
  const { shown } = await onScreen([], person(), [
    [/Switch iCloud Backup on now\? \[y\/N\] /, `n${ENTER}`],
    [/Done\? .*\) $/, ENTER],
  ])
  assert.match(shown, /Tap|tap/)
  assert.equal(virtual.values.get(BACKUP, 'CloudBackupEnabled'), false)
})

test('what is neither a yes nor a no is asked again, and once it is on the night is waited for', async () => {
  usePhone({}, { daysAgo: 20 })
  virtual.values.set(BACKUP, 'CloudBackupEnabled', false)
  const consent = /Switch iCloud Backup on now\? \[y\/N\] $/
  const { shown, exitCode } = await onScreen([], person(), [
    [consent, `perhaps${ENTER}`],
    [consent, `y${ENTER}`],
  ])
  assert.match(shown, /y for yes or n for no/)
  assert.match(shown, /have just been set up[\s\S]*Give it one night/)
  assert.equal(exitCode, UNSURE)
})

for (const [what, condition, cause] of [
  ['nobody is signed in', { hasCloudAccount: false, isFindMyOn: false }, 'signed-out'],
  ['its account has no iCloud', { isCloudProvisioned: false }, 'signed-out'],
  ['its manager forbids it', { forbidsCloudBackup: true }, 'managed'],
] as const) {
  test(`a switch that cannot be turned on since ${what} brings up that cause`, async () => {
    usePhone(condition, { daysAgo: 30 })
    virtual.values.set(BACKUP, 'CloudBackupEnabled', false)
    const { told } = await examine(person(), '--yes')
    virtual.condition.set({ isFindMyOn: true })
    assert.equal(told.cause, cause)
    assert.equal(virtual.values.get(BACKUP, 'CloudBackupEnabled'), false)
  })
}

/** Whoever has done what was shown. */
function done(act: () => void): Answer {
  const answer = () => {
    act()
    return `y${ENTER}`
  }
  return [/Done\? .*\) $/, answer]
}

for (const [what, condition, cause] of [
  ['a disk that is full', { freeBytes: 300_000_000 }, 'phone-full'],
  ['a clock that is wrong', { clockAheadMs: 3 * 3_600_000 }, 'clock-wrong'],
] as const) {
  test(`${what}: the person mends it, and a second look says it is well`, async () => {
    usePhone(condition, { daysAgo: 20 })
    const env = person()
    const { told, exitCode } = await examine(env)
    assert.deepEqual([told.cause, exitCode], [cause, PROBLEM])
    const mend = () => {
      usePhone()
      virtual.endCloudBackup()
    }
    const { shown, exitCode: after } = await onScreen([], env, [done(mend)])
    assert.equal(after, HEALTHY, shown)
    assert.match(shown, /Backups to iCloud are working/)
  })
}

test("a charger that gives no power is seen over Wi-Fi, where it is not this computer's", async () => {
  usePhone({ power: 'dead-cable' }, { daysAgo: 20 })
  await using wifi = await openWifi(virtual, { signal: NEVER })
  world.server.detach(virtual)
  world.server.attach(wifi)
  const env = person()
  const { told, exitCode } = await examine(env)
  const mend = () => {
    usePhone()
    virtual.endCloudBackup()
  }
  const { shown, exitCode: after } = await onScreen([], env, [done(mend)])
  world.server.detach(wifi)
  world.server.attach(virtual)
  assert.deepEqual([told.cause, exitCode], ['dead-cable', PROBLEM])
  assert.equal(after, HEALTHY, shown)
})

test('a full iCloud is found in our own newest backup, and freed', async () => {
  usePhone({}, { daysAgo: 20 })
  virtual.endCloudBackup({ code: 303 })
  const snapshot = await world.backUp()
  assert.ok(snapshot)
  const { RESTIC_REPOSITORY = '', RESTIC_PASSWORD = '' } = surroundings(world)
  const env = person({ RESTIC_REPOSITORY, RESTIC_PASSWORD })
  const { told, exitCode, statuses } = await examine(env)
  assert.deepEqual([told.cause, told.verdict.local, statuses.get('storage')], ['storage-full', 'healthy', 'problem'])
  assert.equal(exitCode, PROBLEM)
  const { shown, exitCode: after } = await onScreen([], env, [done(() => virtual.endCloudBackup())])
  assert.equal(after, HEALTHY, shown)
})

test('an outage at Apple is waited for, and is over at the next look', async () => {
  usePhone({}, { daysAgo: 10 })
  apple.feeds.outage = true
  const during = await examine(person())
  assert.deepEqual([during.told.cause, during.told.nextStep?.remedy], ['service-outage', 'wait-for-apple'])
  apple.feeds.outage = false
  virtual.endCloudBackup()
  const afterwards = await examine(person())
  assert.deepEqual([afterwards.statuses.get('service'), afterwards.exitCode], ['ok', HEALTHY])
})

test('an old iOS is seen, and so is the update', async () => {
  usePhone({}, { daysAgo: 20 })
  apple.feeds.newest = '27.1'
  assert.equal((await examine(person())).statuses.get('update'), 'problem')
  virtual.values.set('', 'ProductVersion', '27.1')
  virtual.endCloudBackup()
  const { statuses, exitCode } = await examine(person())
  assert.deepEqual([statuses.get('update'), exitCode], ['ok', HEALTHY])
})

for (const [what, answer] of [
  ['garbage', '<html>Sign in to this network</html>'],
  ['far too much', 'x'.repeat(5_000_000)],
  ['JSON of another kind', '{"services": {}}'],
] as const) {
  test(`${what} in place of Apple's feeds is unknown, never well`, async () => {
    usePhone({}, { daysAgo: 20 })
    apple.feeds.answer = answer
    const { statuses } = await examine(person())
    assert.deepEqual([statuses.get('service'), statuses.get('update')], ['unknown', 'unknown'])
  })
}

test('feeds that are out of reach are unknown, and the rest is told', async () => {
  usePhone()
  const nowhere = 'http://127.0.0.1:1/'
  const env = person({ PHONEKEEP_APPLE_STATUS_URL: nowhere, PHONEKEEP_APPLE_UPDATES_URL: nowhere })
  const { statuses, exitCode } = await examine(env)
  assert.deepEqual([statuses.get('service'), statuses.get('switch'), exitCode], ['unknown', 'ok', HEALTHY])
})

test('a certificate that is not the root of Apple is refused by name', async () => {
  const { exitCode, err } = await phonekeep(['doctor'], person({ PHONEKEEP_APPLE_ROOT: '/etc/hostname' }))
  assert.equal(exitCode, 2, err)
  assert.match(err, /PHONEKEEP_APPLE_ROOT is not the root certificate of Apple/)
})

test('answers of wrong types are unknown, and no fault', async () => {
  usePhone()
  for (const key of ['CloudBackupEnabled', 'LastCloudBackupDate']) virtual.values.set(BACKUP, key, 'odd')
  const { told, statuses, exitCode } = await examine(person())
  assert.deepEqual([told.verdict.icloud, statuses.get('switch'), exitCode], ['unknown', 'unknown', UNSURE])
})

test('a phone that is unplugged in the middle is not told to be ill', async () => {
  usePhone()
  const { finished } = startPhonekeep(['doctor', '--json'], person())
  const stop = virtual.events.add(({ kind }) => {
    if (kind === 'session') world.server.detach(virtual)
  })
  const { out, exitCode } = await finished
  stop()
  world.server.attach(virtual)
  const told: Told = JSON.parse(out)
  assert.deepEqual([told.verdict.protected, exitCode], ['unknown', UNSURE])
  for (const { check, status } of told.findings) assert.notEqual(status, 'problem', check)
})

test('a restart is never made without a question, whatever was agreed to beforehand', async () => {
  usePhone({}, { daysAgo: 20 })
  const boots = virtual.condition.boots
  const { told } = await examine(person(), '--yes')
  assert.deepEqual([virtual.condition.boots, told.verdict.icloud], [boots, 'problem'])
})

test('a backup of ours that failed is remembered for the doctor', async () => {
  usePhone({ passcode: '1234', passcodePrompt: 'refuse' })
  const { RESTIC_REPOSITORY = '', RESTIC_PASSWORD = '' } = surroundings(world)
  const env = person({ RESTIC_REPOSITORY, RESTIC_PASSWORD })
  virtual.endCloudBackup()
  const { exitCode, err } = await phonekeep(['backup'], env)
  assert.notEqual(exitCode, 0, err)
  const { out } = await phonekeep(['doctor'], env)
  usePhone()
  assert.match(out, /passcode/)
})

test('every look and every backup notes how the phone was found, and that it was looked for in vain', async () => {
  usePhone()
  const { RESTIC_REPOSITORY = '', RESTIC_PASSWORD = '' } = surroundings(world)
  const env = person({ RESTIC_REPOSITORY, RESTIC_PASSWORD })
  await phonekeep(['doctor'], env)
  await phonekeep(['backup', '--allowance', '50GiB'], env)
  world.server.detach(virtual)
  await phonekeep(['backup'], env)
  await phonekeep(['doctor', virtual.udid], env)
  world.server.attach(virtual)
  const { samples, runs } = await openNotebook(join(env.PHONEKEEP_STATE ?? '', 'doctor')).read(virtual.udid)
  assert.deepEqual(
    samples.map(({ reach, isOnPower, isLocked }) => [reach, isOnPower, isLocked]),
    [...Array(2).fill(['usb', true, false]), ...Array(2).fill(['none', undefined, undefined])],
  )
  assert.deepEqual(
    runs.map(({ failure, allowanceBytes }) => [failure, allowanceBytes]),
    [[undefined, 50 * 2 ** 30]],
  )
})

test('a phone that is taken to its own charger while it is watched is watched on, and noted there', async () => {
  usePhone({ power: 'battery' })
  const env = person()
  const { child, finished } = startPhonekeep(['doctor', '--watch', '0.25'], env)
  await using wifi = await openWifi(virtual, { signal: NEVER })
  let listened = 0
  child.stderr?.on('data', (text: Buffer) => {
    if (/Listening to the/.test(text.toString()) && ++listened === 1) {
      world.server.detach(virtual)
      virtual.condition.set({ power: 'charging' })
      world.server.attach(wifi)
    }
  })
  const { err } = await finished
  world.server.detach(wifi)
  world.server.attach(virtual)
  assert.equal(listened, 2, err)
  const { samples } = await openNotebook(join(env.PHONEKEEP_STATE ?? '', 'doctor')).read(virtual.udid)
  const [first, last] = [samples.at(0), samples.at(-1)]
  assert.deepEqual([first?.reach, first?.isOnPower, last?.reach, last?.isOnPower], ['usb', false, 'wifi', true])
})

test('a report tells a helper everything but who it is about', async () => {
  usePhone({ organization: 'Example School', isSupervised: true }, { daysAgo: 20 })
  const env = person()
  const file = join(caches.path, 'report')
  const { err } = await phonekeep(['doctor', '--report', file], env)
  virtual.condition.set({ organization: undefined, isSupervised: false })
  assert.match(err, /report\.md/)
  const texts = await Promise.all(['md', 'json'].map((kind) => readFile(`${file}.${kind}`, 'utf8')))
  const { udid, serialNumber, wifiAddress } = virtual.identity
  for (const text of texts) {
    for (const telling of [udid, serialNumber, wifiAddress, 'Ana Secret', 'Example School', '127.0.0.1']) {
      assert.ok(!text.includes(telling), telling)
    }
    assert.match(text, /iPhone15,4/)
  }
})

test('a report leaves alone what is there already, and is refused before anything is asked where it cannot be', async () => {
  usePhone()
  const env = person()
  const file = join(caches.path, 'mum')
  await writeFile(`${file}.md`, 'a letter')
  await phonekeep(['doctor', '--report', `${file}.md`], env)
  assert.equal(await readFile(`${file}.md`, 'utf8'), 'a letter')
  assert.match(await readFile(`${file}-2.md`, 'utf8'), /iPhone15,4/)
  const { out, err } = await phonekeep(['doctor', '--report', join(caches.path, 'nowhere', 'mum')], env)
  assert.deepEqual([out, /cli\.system/.test(err)], ['', true])
})

test('several phones are looked at one after the other, and the worst of them counts', async () => {
  usePhone()
  const contents = openSeededContents({ seed: 2, files: 1, bytes: 1000, ios: '18.7', clock: systemClock })
  await using other = await openVirtualPhone({ seed: 2, contents, clock: systemClock, model: 'iPhone12,1' })
  world.server.attach(other)
  const { out, exitCode } = await phonekeep(['doctor'], person())
  const { exitCode: unclear, err } = await phonekeep(['doctor', '--json'], person())
  const { told } = await examine(person(), virtual.udid)
  world.server.detach(other)
  assert.match(out, /iPhone 15, iOS 18\.7[\s\S]*iPhone 11/)
  assert.equal(exitCode, UNSURE, 'the other one does not trust this computer')
  assert.deepEqual([unclear, /cli\.several-phones/.test(err)], [2, true])
  assert.equal(told.verdict.protected, 'protected')
})

test('without any phone, what is missing is the phone', async () => {
  const env = person()
  world.server.detach(virtual)
  const { told, exitCode } = await examine(env)
  world.server.attach(virtual)
  assert.deepEqual([told.verdict.protected, exitCode], ['unknown', UNSURE])
})

test('without a phone at hand, questions lead to a cause, in either language', async () => {
  usePhone()
  const { shown, exitCode } = await onScreen(['--no-phone', '--lang', 'de'], person(), [
    [/> $/, `1${ENTER}`],
    [/> $/, `18.7${ENTER}`],
    [/> $/, `2${ENTER}`],
    [/\[j\/N\] $|Eingabetaste: später\) $/, ENTER],
  ])
  assert.match(shown, /iCloud-Backup ist .*ausgeschaltet/)
  assert.equal(exitCode, PROBLEM, shown)
})

test('the log is listened to, and what the phone waits for is told', async () => {
  usePhone({ passcode: '1234', isLocked: false, power: 'battery' }, { daysAgo: 20 })
  const { child, finished } = startPhonekeep(['doctor', '--watch', '0.05'], person())
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('Listening')) virtual.condition.lock()
  })
  const { err } = await finished
  usePhone()
  assert.match(err, /For a backup this is missing: .*power/)
})

test('a mistake in the options is a mistake, not a diagnosis', async () => {
  for (const args of [
    ['--watch', '0'],
    ['--lang', 'fr'],
    ['--report', ''],
  ]) {
    assert.equal((await phonekeep(['doctor', ...args], person())).exitCode, 2, args.join(' '))
  }
  const { exitCode } = await phonekeep(['doctor'], person({ PHONEKEEP_APPLE_STATUS_URL: 'ftp://example.org' }))
  assert.equal(exitCode, 2)
})
