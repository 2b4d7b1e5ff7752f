import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { NEVER } from '../base/abort.ts'
import { utf8 } from '../base/bytes.ts'
import type { ByteChannel } from '../base/channel.ts'
import { openChannel } from '../base/channel.ts'
import { systemClock } from '../base/clock.ts'
import { isAppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import type { PlistDict } from '../plist/index.ts'
import { bytesOf } from '../plist/index.ts'
import { makeCertificates } from './pairing/certificates.ts'
import type { PairRecord } from './pairing/pair-record.ts'
import { askToPair } from './pairing/pairing.ts'
import type { Phone } from './phone.ts'
import { identityOf, openService, openSession } from './phone.ts'
import { answering, wire } from './testing/wire.ts'

const signal = NEVER
const QUERY = { Request: 'QueryType', Type: 'com.apple.mobile.lockdown' }
const VERSION = { Request: 'GetValue', Value: '18.5' }
const device = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = device.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
const key = device.privateKey.export({ type: 'pkcs8', format: 'pem' })
const certificates = await makeCertificates(pem, Date.UTC(2026, 0, 1))
const recordOf = (hostId: string): PairRecord => ({ ...certificates, hostId, systemBuid: 'BUID' })

/** A phone whose every connection is given the next list of answers; `asked` fills with the requests. */
function phoneThat(records: readonly PairRecord[], ...connections: readonly (readonly PlistDict[])[]) {
  const asked: PlistDict[] = []
  const saved: PairRecord[] = []
  const left = [...connections]
  const phone: Phone = {
    udid: 'a'.repeat(40),
    transport: 'usb',
    clock: systemClock,
    async dial() {
      const { near, far } = wire()
      void answering(far, ...(left.shift() ?? []).map((answer) => [answer])).then((requests) => asked.push(...requests))
      return near
    },
    pairRecords: {
      async *candidates() {
        for (const record of records) yield { record, isOurs: record.hostId === 'ours' }
      },
      save: async (_, record) => void saved.push(record),
      adopt: async (_, record) => void saved.push(record),
    },
  }
  return { phone, asked, saved }
}

const code = (expected: string) => (error: unknown) => isAppError(error, expected)

test('every pair record is tried before a phone counts as not paired, and none is touched', async () => {
  const refusal = { Request: 'StartSession', Error: 'InvalidHostID' }
  const script = [QUERY, VERSION, refusal]
  const { phone, asked, saved } = phoneThat([recordOf('ours'), recordOf('theirs')], script, script)
  await assert.rejects(openSession(phone, { signal }), code('device.not-paired'))
  const tried = asked.filter(({ Request }) => Request === 'StartSession').map(({ HostID }) => HostID)
  assert.deepEqual(tried, ['ours', 'theirs'])
  assert.deepEqual(saved, [])
})

test('a phone that is locked after its restart is not asked again with another record', async () => {
  const script = [QUERY, VERSION, { Request: 'StartSession', Error: 'PasswordProtected' }]
  const { phone } = phoneThat([recordOf('ours'), recordOf('theirs')], script)
  await assert.rejects(openSession(phone, { signal }), code('device.not-unlocked'))
})

test('a session without TLS is refused', async () => {
  const script = [QUERY, VERSION, { Request: 'StartSession', SessionID: 'x', EnableSessionSSL: false }]
  const { phone } = phoneThat([recordOf('ours')], script)
  await assert.rejects(openSession(phone, { signal }), code('wire.bad-frame'))
})

/** The phone's side of a session that starts, up to TLS. */
async function startingSession(far: ByteChannel): Promise<ByteChannel> {
  await answering(far, [QUERY], [VERSION], [{ Request: 'StartSession', SessionID: 'x', EnableSessionSSL: true }])
  return openChannel(new TLSSocket(far.detach(), { isServer: true, cert: certificates.deviceCertificate, key }))
}

test("a session does not stay open when usbmuxd's pair record, which opened it, cannot be kept", async () => {
  const { phone } = phoneThat([recordOf('theirs')])
  const { near, far } = wire()
  const refusal = new Error('The disk is full')
  const pairRecords = { ...phone.pairRecords, adopt: () => Promise.reject(refusal) }
  const opening = openSession({ ...phone, dial: async () => near, pairRecords }, { signal })
  await using channel = await startingSession(far)
  await assert.rejects(opening, refusal)
  await assert.rejects(channel.readExactly(1, { signal }), code('wire.closed'))
})

/** A phone that starts sessions, and gives each session the next answer to StartService. Short sleeps are noted and skipped. */
function servingPhone(...answers: readonly PlistDict[]) {
  const left = [...answers]
  const slept: number[] = []
  const services: PlistDict[] = []
  const serve = async (far: ByteChannel) => {
    services.push(...(await answering(await startingSession(far), [{ Request: 'StartService', ...left.shift() }])))
  }
  const { phone } = phoneThat([{ ...recordOf('ours'), escrowBag: new Secret('AQID') }])
  const dial = async (port: number) => {
    const { near, far } = wire()
    if (port === 62_078) serve(far).catch(() => undefined)
    else await far.write(utf8('hello'), { signal })
    return near
  }
  const sleep = async (ms: number, options: { signal: AbortSignal }) => {
    if (ms > 5000) return systemClock.sleep(1e9, options)
    slept.push(ms)
  }
  return { phone: { ...phone, dial, clock: { ...systemClock, sleep } }, services, slept }
}

test('a service is asked for with the escrow bag where it is needed, and its stream is handed over', async () => {
  const { phone, services } = servingPhone({ Port: 50_000 }, { Port: 50_001 })
  await using first = await openService(phone, 'com.example.one', { escrowBag: true, signal })
  await using _ = await openService(phone, 'com.example.two', { signal })
  assert.equal(Buffer.from(await first.readExactly(5, { signal })).toString(), 'hello')
  assert.deepEqual(
    services.map(({ Service, EscrowBag }) => [Service, bytesOf(EscrowBag)?.length]),
    [
      ['com.example.one', 3],
      ['com.example.two', undefined],
    ],
  )
})

test('a phone with too many connections is asked again twice, a moment later', async () => {
  const busy = { Error: 'ServiceLimit' }
  const { phone, slept } = servingPhone(busy, busy, { Port: 50_000 }, busy, busy, busy)
  await using _ = await openService(phone, 'com.example.one', { signal })
  assert.deepEqual(slept, [1500, 1500])
  await assert.rejects(openService(phone, 'com.example.one', { signal }), code('device.too-many-connections'))
})

for (const [answer, expected] of [
  [{ Error: 'MissingValue' }, 'device.not-unlocked'],
  [{ Error: 'InvalidService' }, 'device.service-refused'],
  [{ Port: 70_000 }, 'wire.bad-frame'],
  [{ Port: 'x' }, 'wire.bad-frame'],
] as const) {
  test(`a service answered with ${JSON.stringify(answer)} is ${expected}`, async () => {
    const { phone } = servingPhone(answer)
    await assert.rejects(openService(phone, 'com.example.one', { signal }), code(expected))
  })
}

test('the states of pairing are values, and only public parts are shown to the phone', async () => {
  const draft = recordOf('host')
  const pair = (answer: PlistDict) => [QUERY, { Request: 'Pair', ...answer }]
  const { phone, asked } = phoneThat(
    [],
    pair({ Error: 'PasswordProtected' }),
    pair({ Error: 'PairingDialogResponsePending' }),
    pair({ Error: 'UserDeniedPairing' }),
    pair({ EscrowBag: new Uint8Array(32) }),
    pair({}),
    pair({ Error: 'MCChallengeRequired' }),
  )
  const states: string[] = []
  for (let tries = 0; tries < 5; tries++) states.push((await askToPair(phone, draft, { signal })).state)
  assert.deepEqual(states, ['locked', 'dialog', 'refused', 'paired', 'paired'])
  await assert.rejects(askToPair(phone, draft, { signal }), code('device.supervised'))
  for (const { PairRecord, PairingOptions } of asked.filter(({ Request }) => Request === 'Pair')) {
    assert.deepEqual({ ...Object(PairingOptions) }, { ExtendedPairingErrors: true })
    assert.ok(Object.keys(Object(PairRecord)).every((key) => !key.includes('Private')))
    assert.equal(Object(PairRecord).HostID, 'host')
  }
})

test('an identity holds what the phone said, and nothing else', () => {
  const values = { DeviceName: 'Ada', ProductType: 'iPhone15,4', ProductVersion: 18.5, Other: 'x' }
  assert.deepEqual(identityOf('u', values), { udid: 'u', name: 'Ada', model: 'iPhone15,4' })
})
