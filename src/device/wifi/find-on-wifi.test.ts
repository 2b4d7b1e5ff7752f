import assert from 'node:assert/strict'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { utf8 } from '../../base/bytes.ts'
import { systemClock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import type { PairRecordStore } from '../pairing/pair-records.ts'
import { pairRecordFolder } from '../pairing/pair-records.ts'
import { openService } from '../phone.ts'
import { openAdvertiser, phoneAnswer } from '../testing/advertiser.ts'
import type { FakePhone } from '../testing/fake-phone.ts'
import { makePairing, openFakePhone } from '../testing/fake-phone.ts'
import { authKeyOf, authTagOf } from './auth-tag.ts'
import { findOnWifi } from './find-on-wifi.ts'
import type { WifiPlace } from './wifi-place.ts'

const signal = NEVER
const clock = systemClock
const UDID = '00008120-0008AB48A562DBB5'
const MAC = 'aa:bb:cc:dd:ee:ff'
const HOST_ID = '11111111-2222-3333-4444-555555555555'
const [ours, other] = await Promise.all([makePairing(HOST_ID, MAC), makePairing('OTHER')])
const record = { ...ours.record, escrowBag: new Secret('AQID') }

/** Looks for our phones, until all are found. */
async function look(place: WifiPlace, store: PairRecordStore, clock = systemClock) {
  return await findOnWifi({ place, store, clock, isWanted: () => true, signal })
}

/** Five times as fast, for looks that go on to their end: still long enough for the loopback interface. */
const hasty = {
  ...systemClock,
  elapsedMs: () => systemClock.elapsedMs() * 5,
  sleep: (ms: number, options: { signal: AbortSignal }) => systemClock.sleep(ms / 5, options),
}

/** A store that holds the record of our one phone. */
async function openStore() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-wifi-'))
  const store = pairRecordFolder(folder.path)
  await store.save(UDID, record)
  return { store, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

const requests = ({ asked }: FakePhone) => asked.map(({ Request }) => Request)
const tagFor = (hostId: string, identifier: string) =>
  Buffer.from(authTagOf(authKeyOf(hostId), utf8(identifier))).toString('base64')

for (const [how, instance, texts] of [
  ['its Wi-Fi address', `${MAC}@fe80::1`, []],
  ['a tag made for us', 'x@y', ['identifier=AAECAwQFBgc=', 'authTag=AAAAAAAAAAA=', 'authTag#1=YlSEDQfoPpY=']],
  ['nothing but its own word, under a made-up Wi-Fi address', '02:00:00:00:00:01@fe80::1-supportsRP-24', []],
] as const) {
  test(`a paired phone is found by ${how}, and its services are reached on the same address`, async () => {
    await using phone = await openFakePhone({ udid: UDID, identity: ours.identity })
    await using advertiser = await openAdvertiser(phoneAnswer({ instance, texts, port: phone.port }))
    await using stored = await openStore()
    const found = await look(advertiser.place, stored.store)
    assert.deepEqual([found.refused, found.ignored, found.problems], [[], 0, []])
    assert.deepEqual(
      found.phones.map(({ udid, transport }) => [udid, transport]),
      [[UDID, 'wifi']],
    )
    await using channel = await openService(found.phones[0]!, 'com.example.echo', {
      escrowBag: true,
      signal,
    })
    await channel.write(utf8('hello'), { signal })
    assert.equal(Buffer.from(await channel.readExactly(5, { signal })).toString(), 'hello')
  })
}

test('a phone that was found is found again where it was, without mDNS', async () => {
  await using phone = await openFakePhone({ udid: UDID, identity: ours.identity })
  await using advertiser = await openAdvertiser(phoneAnswer({ instance: `${MAC}@x`, port: phone.port }))
  await using silent = await openAdvertiser()
  await using stored = await openStore()
  assert.equal((await look(advertiser.place, stored.store)).phones.length, 1)
  assert.deepEqual(await stored.store.readAddress(UDID), { host: '127.0.0.1', port: phone.port })
  assert.equal((await look(silent.place, stored.store)).phones.length, 1)
})

test('somebody else at the address where a phone was is left alone, and tells nothing against the phone', async () => {
  await using stranger = await openFakePhone({ udid: 'b'.repeat(40), identity: other.identity })
  await using silent = await openAdvertiser()
  await using stored = await openStore()
  await stored.store.saveAddress(UDID, { host: '127.0.0.1', port: stranger.port })
  const { phones, refused } = await look(silent.place, stored.store, hasty)
  assert.deepEqual([phones, refused], [[], []])
  assert.deepEqual(requests(stranger), ['QueryType', 'GetValue'])
})

test('phones that are not paired with us are counted, and never told who we are', async () => {
  await using stranger = await openFakePhone({ udid: 'b'.repeat(40), identity: other.identity })
  const tagged = ['identifier=AAECAwQFBgc=', `authTag=${tagFor('SOMEBODY', 'AAECAwQFBgc=')}`]
  await using advertiser = await openAdvertiser(
    phoneAnswer({ instance: '02:00:00:00:00:02@x', port: stranger.port }),
    phoneAnswer({ instance: 'y@y', port: stranger.port, texts: tagged, host: 'Tagged.local' }),
  )
  await using stored = await openStore()
  const { phones, refused, ignored } = await look(advertiser.place, stored.store, hasty)
  assert.deepEqual([phones, refused, ignored], [[], [], 2])
  assert.deepEqual(requests(stranger), ['QueryType', 'GetValue'], 'only one was asked, and only for its UDID')
})

test('an impostor who has everything but the key is refused with the reason, before it hears a secret', async () => {
  const texts = ['identifier=AAECAwQFBgc=', `authTag=${tagFor(HOST_ID, 'AAECAwQFBgc=')}`]
  await using impostor = await openFakePhone({ udid: UDID, identity: other.identity })
  await using advertiser = await openAdvertiser(phoneAnswer({ instance: `${MAC}@x`, port: impostor.port, texts }))
  await using stored = await openStore()
  const { phones, refused } = await look(advertiser.place, stored.store, hasty)
  assert.deepEqual(phones, [])
  assert.deepEqual(
    refused.map(({ udid, address, error }) => [udid, address.port, error.code]),
    [[UDID, impostor.port, 'device.wrong-certificate']],
  )
  assert.equal(requests(impostor).at(-1), 'StartSession')
  assert.equal(await stored.store.readAddress(UDID), undefined)
})

test('an impostor beside the phone hides it from nobody, and is told of all the same', async () => {
  await using phone = await openFakePhone({ udid: UDID, identity: ours.identity })
  await using impostor = await openFakePhone({ udid: UDID, identity: other.identity })
  await using advertiser = await openAdvertiser(
    phoneAnswer({ instance: `${MAC}@impostor`, port: impostor.port, host: 'Impostor.local' }),
    phoneAnswer({ instance: `${MAC}@phone`, port: phone.port }),
  )
  await using stored = await openStore()
  await stored.store.save('c'.repeat(40), other.record)
  const { phones, refused } = await look(advertiser.place, stored.store, hasty)
  assert.equal(phones.length, 1)
  assert.deepEqual(await stored.store.readAddress(UDID), { host: '127.0.0.1', port: phone.port })
  assert.deepEqual(
    refused.map(({ address, error }) => [address.port, error.code]),
    [[impostor.port, 'device.wrong-certificate']],
  )
})

test('a service that shows another certificate than the phone hears nothing', async () => {
  await using phone = await openFakePhone({ udid: UDID, identity: ours.identity, serviceIdentity: other.identity })
  await using advertiser = await openAdvertiser(phoneAnswer({ instance: `${MAC}@x`, port: phone.port }))
  await using stored = await openStore()
  const [found] = (await look(advertiser.place, stored.store)).phones
  await assert.rejects(openService(found!, 'com.example.echo', { signal }), (error) =>
    isAppError(error, 'device.wrong-certificate'),
  )
  assert.deepEqual(phone.heard, [])
})

test('a service without encryption is not used over Wi-Fi', async () => {
  const answers = { StartService: { Port: 1 } }
  await using phone = await openFakePhone({ udid: UDID, identity: ours.identity, answers })
  await using advertiser = await openAdvertiser(phoneAnswer({ instance: `${MAC}@x`, port: phone.port }))
  await using stored = await openStore()
  const [found] = (await look(advertiser.place, stored.store)).phones
  await assert.rejects(openService(found!, 'com.example.echo', { signal }), (error) =>
    isAppError(error, 'device.service-unprotected'),
  )
})

for (const [error, expected] of [
  ['InvalidHostID', 'device.not-paired'],
  ['PasswordProtected', 'device.not-unlocked'],
] as const) {
  test(`a phone that answers ${error} is there, but refused as ${expected}`, async () => {
    const answers = { StartSession: { Error: error } }
    await using phone = await openFakePhone({ udid: UDID, identity: ours.identity, answers })
    await using advertiser = await openAdvertiser(phoneAnswer({ instance: `${MAC}@x`, port: phone.port }))
    await using stored = await openStore()
    const { refused } = await look(advertiser.place, stored.store, hasty)
    assert.deepEqual(
      refused.map(({ error }) => error.code),
      [expected],
    )
  })
}

test('an advert behind which nobody answers is told, with its address', async () => {
  await using advertiser = await openAdvertiser(phoneAnswer({ instance: `${MAC}@x`, port: 1 }))
  await using stored = await openStore()
  const { refused } = await look(advertiser.place, stored.store, hasty)
  assert.deepEqual(
    refused.map(({ address, error }) => [address, error.code]),
    [[{ host: '127.0.0.1', port: 1 }, 'device.port-closed']],
  )
})

test('with nobody to look for, no network is touched', async () => {
  await using advertiser = await openAdvertiser()
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-wifi-'))
  assert.deepEqual(await look(advertiser.place, pairRecordFolder(folder.path)), {
    phones: [],
    refused: [],
    ignored: 0,
    problems: [],
  })
  assert.equal(advertiser.questions, 0)
})

test('aborting ends a look at once', async () => {
  await using advertiser = await openAdvertiser()
  await using stored = await openStore()
  const abort = new AbortController()
  const looking = findOnWifi({
    place: advertiser.place,
    store: stored.store,
    clock,
    isWanted: () => true,
    signal: abort.signal,
  })
  abort.abort(new Error('enough'))
  await assert.rejects(looking, /enough/)
})
