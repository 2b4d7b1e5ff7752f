import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../base/bytes.ts'
import { Secret } from '../../base/secret.ts'
import { hex } from '../testing/wire.ts'
import type { Advert } from './adverts.ts'
import { authKeyOf, authTagOf } from './auth-tag.ts'
import type { PairedPhone } from './match.ts'
import { matchAdvert } from './match.ts'

const HOST_ID = '11111111-2222-3333-4444-555555555555'

/** Computed twice, with two programs; docs/protocol/wifi.md#auth-tags */
test('the tag of an advert is that of the published computation', () => {
  const key = authKeyOf(HOST_ID)
  assert.deepEqual(key, hex('6904d9da5c03d06b7dc3014077b4058cf7562f3aa7194c53737238d420a63496'))
  assert.deepEqual(Uint8Array.from(authTagOf(key, utf8('AAECAwQFBgc='))), hex('6254840d07e83e96'))
})

const none = new Secret('')
const certificates = { rootCertificate: '', rootPrivateKey: none, hostCertificate: '', hostPrivateKey: none }

function paired(udid: string, { hostId = udid, mac }: { hostId?: string; mac?: string } = {}): PairedPhone {
  const record = { ...certificates, deviceCertificate: '', hostId, systemBuid: '', ...(mac && { wifiMacAddress: mac }) }
  return { udid, record, authKey: authKeyOf(hostId) }
}

function advert(texts: { readonly [key: string]: string }, rest: Partial<Advert> = {}): Advert {
  const bytes = new Map(Object.entries(texts).map(([key, text]) => [key, utf8(text)]))
  return { name: 'x', addresses: ['10.0.0.7'], port: 62_078, texts: bytes, ...rest }
}

test('a tag comes before the Wi-Fi address', () => {
  const phones = [paired('by-mac', { mac: 'AA:BB:CC:DD:EE:FF' }), paired('by-tag', { hostId: HOST_ID })]
  const tagged = { identifier: 'AAECAwQFBgc=', authtag: 'AAAAAAAAAAA=', 'authtag#1': 'YlSEDQfoPpY=' }
  const macAddress = 'aa:bb:cc:dd:ee:ff'
  assert.deepEqual(matchAdvert(advert(tagged, { macAddress }), phones), { kind: 'claims', udids: ['by-tag'] })
  assert.deepEqual(matchAdvert(advert({}, { macAddress }), phones), { kind: 'claims', udids: ['by-mac'] })
})

test('phones that were given the same host id are told apart later', () => {
  const phones = [paired('one', { hostId: HOST_ID }), paired('two', { hostId: HOST_ID }), paired('three')]
  const match = matchAdvert(advert({ identifier: 'AAECAwQFBgc=', authtag: 'YlSEDQfoPpY=' }), phones)
  assert.deepEqual(match, { kind: 'claims', udids: ['one', 'two'] })
})

for (const [what, tag] of [
  ['without padding', 'YlSEDQfoPpY'],
  ['with a newline', 'YlSEDQfoPpY=\n'],
  ['with more bytes than count', 'YlSEDQfoPpYBAgM='],
] as const) {
  test(`a tag ${what} is read all the same`, () => {
    const match = matchAdvert(advert({ identifier: 'AAECAwQFBgc=', authtag: tag }), [
      paired('one', { hostId: HOST_ID }),
    ])
    assert.equal(match.kind, 'claims')
  })
}

test('tags for others make a stranger; no tag, or none that could be one, makes nothing clear', () => {
  const phones = [paired('one', { hostId: HOST_ID })]
  assert.deepEqual(matchAdvert(advert({ identifier: 'x', authtag: 'YlSEDQfoPpY=' }), phones), { kind: 'stranger' })
  for (const texts of [{}, { authtag: 'YlSEDQfoPpY=' }, { identifier: 'AAECAwQFBgc=', authtag: 'YlSE' }]) {
    assert.deepEqual(matchAdvert(advert(texts), phones), { kind: 'unclear' })
  }
})
