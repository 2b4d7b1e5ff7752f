import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesOf, dictOf, parsePlist } from '../../plist/index.ts'
import type { InfoFacts } from './info-plist.ts'
import { encodeInfoPlist } from './info-plist.ts'

const bytes = (byte: number) => Uint8Array.of(byte)

const FACTS: InfoFacts = {
  udid: '00008120-0008ab48a562dbb5',
  nowMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  values: {
    BuildVersion: '22F76',
    DeviceName: 'Ada',
    ProductType: 'iPhone15,4',
    ProductVersion: '18.5',
    SerialNumber: 'G85',
    PhoneNumber: '+1',
  },
  itunesSettings: {},
  itunesVersion: undefined,
  apps: [
    { bundleId: 'a.bought', sinf: bytes(1), metadata: bytes(2), icon: bytes(3) },
    { bundleId: 'b.bought.iconless', sinf: bytes(1), metadata: bytes(2), icon: undefined },
    { bundleId: 'c.sideloaded', sinf: undefined, metadata: undefined, icon: undefined },
  ],
  itunesFiles: { VoiceMemos: bytes(9) },
  booksData: undefined,
}

/** The keys of docs/protocol/mobilebackup2.md. */
test('an Info.plist says whose backup it is and when it was made', () => {
  const { GUID, ...info } = { ...dictOf(parsePlist(encodeInfoPlist(FACTS))) }
  assert.match(String(GUID), /^[0-9A-F]{32}$/)
  assert.deepEqual(JSON.parse(JSON.stringify({ ...info, Applications: undefined, 'iTunes Files': undefined })), {
    'Build Version': '22F76',
    'Device Name': 'Ada',
    'Display Name': 'Ada',
    'Installed Applications': ['a.bought', 'b.bought.iconless', 'c.sideloaded'],
    'Last Backup Date': '2026-01-02T03:04:05.000Z',
    'Phone Number': '+1',
    'Product Type': 'iPhone15,4',
    'Product Version': '18.5',
    'Serial Number': 'G85',
    'Target Identifier': '00008120-0008ab48a562dbb5',
    'Target Type': 'Device',
    'Unique Identifier': '00008120-0008AB48A562DBB5',
    'iTunes Settings': {},
    'iTunes Version': '10.0.1',
  })
})

test('only apps with both receipts are listed for reinstalling', () => {
  const applications = dictOf(dictOf(parsePlist(encodeInfoPlist(FACTS)))?.Applications)
  assert.deepEqual(Object.keys(applications ?? {}), ['a.bought', 'b.bought.iconless'])
  assert.deepEqual(Object.keys(dictOf(applications?.['a.bought']) ?? {}), [
    'ApplicationSINF',
    'iTunesMetadata',
    'PlaceholderIcon',
  ])
})

test('what the phone did not say is left out', () => {
  const info = dictOf(parsePlist(encodeInfoPlist({ ...FACTS, values: {}, booksData: bytes(7) })))
  assert.equal(info?.['Device Name'], undefined)
  assert.deepEqual(Uint8Array.from(bytesOf(info?.['iBooks Data 2']) ?? []), bytes(7))
})
