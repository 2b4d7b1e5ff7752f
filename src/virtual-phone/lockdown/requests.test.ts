import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { utf8 } from '../../base/bytes.ts'
import { openChannel } from '../../base/channel.ts'
import { bytesOf, dictOf, type Plist, type PlistDict } from '../../plist/index.ts'
import { Condition, type ConditionState } from '../condition/index.ts'
import { createIdentity } from '../identity/identity.ts'
import { makeHostKeys } from '../testing/certificates.ts'
import { stoppedClock } from '../testing/stopped-clock.ts'
import { createInitialValues } from './initial-values.ts'
import { Pairings } from './pairings.ts'
import { ServicePorts } from './ports.ts'
import { answerRequest, type LockdownPhone, type LockdownSession } from './requests.ts'

const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const keys = makeHostKeys({ devicePublicKeyPem: new Pairings({ key, oldestTlsVersion: 'TLSv1.2' }).publicKeyPem })
const clock = stoppedClock()
const identity = createIdentity({ seed: 1 }, {})

function createPhone({ servicesUseTls = true, ...state }: Partial<ConditionState> & { servicesUseTls?: boolean } = {}) {
  const condition = new Condition(state)
  const pairings = new Pairings({ key, oldestTlsVersion: 'TLSv1.2' })
  const news: string[] = []
  const phone: LockdownPhone = {
    values: createInitialValues({
      identity,
      publicKeyPem: pairings.publicKeyPem,
      contentsBytes: () => 0,
      condition,
      clock,
    }),
    condition,
    pairings,
    ports: new ServicePorts(clock),
    services: new Map([
      ['com.apple.afc', { needsSession: true }],
      ['com.apple.mobile.insecure_notification_proxy', { needsSession: false }],
    ]),
    servicesUseTls,
    openChannel,
    onNews: ({ kind }) => news.push(kind),
  }
  const ask = (request: PlistDict, session?: LockdownSession) => answerRequest({ request, session, phone })
  const pair = (record: Plist = keys.record) =>
    ask({ Request: 'Pair', PairRecord: record, PairingOptions: { ExtendedPairingErrors: true } })
  const start = () => {
    const { session } = ask({ Request: 'StartSession', HostID: keys.record.HostID ?? '' })
    assert.ok(session !== undefined && session !== 'over')
    return session
  }
  return { phone, news, record: keys.record, ask, pair, start }
}

test('without a session a host learns what the phone is, but not its serial number or battery', () => {
  const { ask } = createPhone()
  const values = dictOf(ask({ Request: 'GetValue' }).keys?.Value)
  assert.equal(values?.ProductType, 'iPhone15,4')
  assert.equal(values?.UniqueDeviceID, identity.udid)
  assert.equal(values?.SerialNumber, undefined)
  assert.deepEqual(ask({ Request: 'GetValue', Key: 'SerialNumber' }), { error: 'GetProhibited' })
  assert.deepEqual(ask({ Request: 'GetValue', Domain: 'com.apple.mobile.battery' }).keys?.Value, {})
  const byKey = { Request: 'GetValue', Domain: 'com.apple.mobile.iTunes', Key: 'MinITunesVersion' }
  assert.equal(typeof ask(byKey).keys?.Value, 'string')
})

test('in a session a host reads every domain, and is told which key is missing', () => {
  const { ask, pair, start } = createPhone()
  pair()
  const session = start()
  const battery = ask(
    { Request: 'GetValue', Domain: 'com.apple.mobile.battery', Key: 'BatteryCurrentCapacity' },
    session,
  )
  assert.deepEqual(battery.keys, { Domain: 'com.apple.mobile.battery', Key: 'BatteryCurrentCapacity', Value: 80 })
  assert.deepEqual(ask({ Request: 'GetValue', Key: 'Nonsense' }, session), { error: 'MissingValue' })
  assert.deepEqual(ask({ Request: 'GetValue', Domain: 'no.such' }, session).keys, { Domain: 'no.such', Value: {} })
})

test('a value can be set in a session only, and what the phone is made of never', () => {
  const { ask, pair, start, phone } = createPhone()
  const setName = { Request: 'SetValue', Key: 'DeviceName', Value: 'Anna' }
  assert.deepEqual(ask(setName), { error: 'SetProhibited' })
  pair()
  const session = start()
  assert.deepEqual(ask(setName, session).keys, { Key: 'DeviceName', Value: 'Anna' })
  assert.equal(phone.values.get('', 'DeviceName'), 'Anna')
  assert.deepEqual(ask({ ...setName, Key: 'UniqueDeviceID' }, session), { error: 'SetProhibited' })
  for (const Domain of ['backup', 'battery'].map((name) => `com.apple.mobile.${name}`)) {
    assert.deepEqual(ask({ ...setName, Domain }, session), { error: 'SetProhibited' })
  }
  assert.deepEqual(ask({ ...setName, Domain: 'com.apple.disk_usage' }, session), { error: 'SetProhibited' })
  assert.deepEqual(ask({ Request: 'SetValue', Value: 1 }, session), { error: 'MissingKey' })
  assert.deepEqual(ask({ Request: 'SetValue', Key: 'DeviceName' }, session), { error: 'MissingValue' })
})

test('usbmuxd may make itself known without a session', () => {
  const { ask } = createPhone()
  assert.equal(ask({ Request: 'SetValue', Key: 'UntrustedHostBUID', Value: 'X' }).error, undefined)
})

test('a host cannot fill the memory with values', () => {
  const { ask, pair, start, phone } = createPhone()
  pair()
  const session = start()
  const set = (name: string, value: Plist) =>
    ask({ Request: 'SetValue', Domain: 'x', Key: name, Value: value }, session)
  assert.deepEqual(set('long', 'x'.repeat(20_000)), { error: 'SetProhibited' })
  assert.deepEqual(set('x'.repeat(20_000), 'long'), { error: 'SetProhibited' })
  for (let index = 0; index < 3000; index++) set(`key ${index}`, index)
  assert.equal(phone.values.size, 2000)
  assert.deepEqual(set('one more', 1), { error: 'SetProhibited' })
})

test('a value can be removed in a session', () => {
  const { ask, pair, start, phone } = createPhone()
  const remove = { Request: 'RemoveValue', Domain: 'com.apple.mobile.wireless_lockdown', Key: 'EnableWifiDebugging' }
  assert.deepEqual(ask(remove), { error: 'SessionInactive' })
  pair()
  const session = start()
  assert.equal(ask(remove, session).error, undefined)
  assert.equal(phone.values.has('com.apple.mobile.wireless_lockdown', 'EnableWifiDebugging'), false)
  assert.deepEqual(ask(remove, session), { error: 'MissingValue' })
  assert.deepEqual(ask({ Request: 'RemoveValue', Key: 'SerialNumber' }, session), { error: 'RemoveProhibited' })
})

test('pairing gives an escrow bag of 32 bytes, and unpairing takes the trust away', () => {
  const { ask, pair, record, news } = createPhone()
  assert.equal(bytesOf(pair().keys?.EscrowBag)?.length, 32)
  assert.equal(ask({ Request: 'ValidatePair', PairRecord: record }).error, undefined)
  assert.equal(ask({ Request: 'Unpair', PairRecord: record }).error, undefined)
  assert.deepEqual(ask({ Request: 'Unpair', PairRecord: record }), { error: 'InvalidHostID' })
  assert.deepEqual(ask({ Request: 'ValidatePair', PairRecord: record }), { error: 'InvalidHostID' })
  assert.deepEqual(ask({ Request: 'StartSession', HostID: record.HostID ?? '' }), { error: 'InvalidHostID' })
  assert.deepEqual(news, ['paired', 'unpaired'])
})

for (const [what, spoil, error] of [
  ['no record at all', () => 'text', 'MissingPairRecord'],
  ['no host ID', (record: PlistDict) => ({ ...record, HostID: 5 }), 'MissingHostID'],
  [
    'no certificate of the phone',
    (record: PlistDict) => ({ ...record, DeviceCertificate: utf8('x') }),
    'InvalidPairRecord',
  ],
  [
    'a certificate with another key',
    (record: PlistDict) => ({ ...record, DeviceCertificate: record.HostCertificate! }),
    'InvalidPairRecord',
  ],
] as const) {
  test(`a host that pairs with ${what} is refused with ${error}`, () => {
    const { pair, record } = createPhone()
    assert.deepEqual(pair(spoil(record)), { error })
  })
}

test('certificates without the newline at their end are accepted', () => {
  const { pair, record } = createPhone()
  const trimmed = Object.entries(record).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? value.subarray(0, -1) : value,
  ])
  assert.equal(pair(Object.fromEntries(trimmed)).error, undefined)
})

for (const [what, state, error] of [
  ['shows the dialog', { trust: 'ask' }, 'PairingDialogResponsePending'],
  ['was told not to trust', { trust: 'refuse' }, 'UserDeniedPairing'],
  ['is locked with a passcode', { passcode: '1234', isLocked: true }, 'PasswordProtected'],
  ['is locked without a passcode', { isLocked: true }, undefined],
  ['is managed', { forbidsPairing: true }, 'MCProtected'],
  ['is not set up, and so asks nobody,', { isSetUp: false, trust: 'ask' }, undefined],
] as const) {
  test(`a phone that ${what} answers Pair with ${error ?? 'an escrow bag'}`, () => {
    assert.equal(createPhone(state).pair().error, error)
  })
}

test('a host that does not ask for extended errors hears the old one while the dialog is up', () => {
  const { ask, record, news } = createPhone({ trust: 'ask' })
  assert.deepEqual(ask({ Request: 'Pair', PairRecord: record }), { error: 'PasswordProtected' })
  assert.deepEqual(news, ['trust-asked'])
})

test('before the first unlock not even a paired host gets a session', () => {
  const { ask, pair, phone, record, start } = createPhone()
  const escrowBag = bytesOf(pair().keys?.EscrowBag)!
  const session = start()
  phone.condition.set({ passcode: '1234', isUnlockedSinceBoot: false })
  assert.deepEqual(ask({ Request: 'StartSession', HostID: record.HostID ?? '' }), { error: 'PasswordProtected' })
  const afc = { Request: 'StartService', Service: 'com.apple.afc' }
  assert.deepEqual(ask(afc, session), { error: 'PasswordProtected' })
  assert.deepEqual(ask({ ...afc, EscrowBag: escrowBag }, session), { error: 'MissingValue' })
})

test('a phone that grants a session before the first unlock keeps the services of personal data to itself', () => {
  const { ask, pair, start, phone } = createPhone({ admitsBeforeFirstUnlock: true })
  const escrowBag = bytesOf(pair().keys?.EscrowBag)!
  phone.condition.set({ passcode: '1234', isUnlockedSinceBoot: false })
  const session = start()
  for (const Service of ['com.apple.afc', 'com.apple.mobile.diagnostics_relay', 'com.apple.syslog_relay']) {
    const request = { Request: 'StartService', Service }
    assert.deepEqual(ask(request, session), { error: 'PasswordProtected' })
    assert.deepEqual(ask({ ...request, EscrowBag: escrowBag }, session), { error: 'MissingValue' })
  }
  const proxy = { Request: 'StartService', Service: 'com.apple.mobile.insecure_notification_proxy' }
  assert.equal(ask(proxy, session).error, undefined)
})

test('a phone that is merely locked serves the hosts it knows', () => {
  const { pair, phone, start } = createPhone()
  pair()
  phone.condition.set({ passcode: '1234' })
  phone.condition.lock()
  assert.ok(start())
})

test('a session ends with its own ID only', () => {
  const { ask, pair, start } = createPhone()
  assert.deepEqual(ask({ Request: 'StopSession', SessionID: 'x' }), { error: 'SessionInactive' })
  pair()
  const session = start()
  assert.deepEqual(ask({ Request: 'StartSession', HostID: session.pairing.hostId }, session), {
    error: 'SessionActive',
  })
  assert.deepEqual(ask({ Request: 'StopSession' }, session), { error: 'MissingSessionID' })
  assert.deepEqual(ask({ Request: 'StopSession', SessionID: 'x' }, session), { error: 'InvalidSessionID' })
  assert.deepEqual(ask({ Request: 'StopSession', SessionID: session.id }, session), { session: 'over' })
})

test('a service starts in a session, on a port of its own, with TLS where iOS has it', () => {
  const { ask, pair, start, phone } = createPhone()
  const afc = { Request: 'StartService', Service: 'com.apple.afc' }
  assert.deepEqual(ask(afc), { error: 'SessionInactive' })
  pair()
  const session = start()
  assert.deepEqual(ask(afc, session).keys, { Service: 'com.apple.afc', Port: 49152, EnableServiceSSL: true })
  assert.deepEqual(phone.ports.claim(49152), { name: 'com.apple.afc', tls: session.pairing })
  assert.deepEqual(ask({ Request: 'StartService', Service: 'no.such' }, session), { error: 'InvalidService' })
  assert.deepEqual(ask({ Request: 'StartService' }, session), { error: 'MissingService' })
})

test('before iOS 13 a service has no TLS, and the key for it is absent', () => {
  const { ask, pair, start } = createPhone({ servicesUseTls: false })
  pair()
  const answer = ask({ Request: 'StartService', Service: 'com.apple.afc' }, start())
  assert.deepEqual(answer.keys, { Service: 'com.apple.afc', Port: 49152 })
})

test('the insecure notification proxy starts without a session, and without TLS', () => {
  const { ask } = createPhone()
  const answer = ask({ Request: 'StartService', Service: 'com.apple.mobile.insecure_notification_proxy' })
  assert.deepEqual(answer.keys, { Service: 'com.apple.mobile.insecure_notification_proxy', Port: 49152 })
})

test('an escrow bag must be the one from pairing; none is fine', () => {
  const { ask, pair, start } = createPhone()
  const escrowBag = bytesOf(pair().keys?.EscrowBag)!
  const session = start()
  const afc = { Request: 'StartService', Service: 'com.apple.afc' }
  assert.equal(ask({ ...afc, EscrowBag: escrowBag }, session).error, undefined)
  assert.deepEqual(ask({ ...afc, EscrowBag: escrowBag.toReversed() }, session), { error: 'InvalidHostID' })
})

test('a request that nobody knows is refused', () => {
  const { ask } = createPhone()
  assert.deepEqual(ask({ Request: 'MakeCoffee' }), { error: 'InvalidRequest' })
  assert.deepEqual(ask({}), { error: 'MissingKey' })
  assert.deepEqual(ask({ Request: 'constructor' }), { error: 'InvalidRequest' })
})

test('hosts that pair for ever are forgotten, the oldest first', () => {
  const { phone, pair, record } = createPhone()
  for (let index = 0; index < 257; index++) pair({ ...record, HostID: `host ${index}` })
  assert.equal(phone.pairings.get('host 0'), undefined)
  assert.notEqual(phone.pairings.get('host 1'), undefined)
  assert.notEqual(phone.pairings.get('host 256'), undefined)
})
