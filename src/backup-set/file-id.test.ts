import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileIdOf, parseFileId } from './index.ts'

// Constants of several backup readers and of a real backup: docs/protocol/backup-set.md#file-ids.
const VECTORS: readonly (readonly [fileId: string, domain: string, relativePath: string])[] = [
  ['3d0d7e5fb2ce288813306e4d4636395e047a3d28', 'HomeDomain', 'Library/SMS/sms.db'],
  ['31bb7ba8914766d4ba40d6dfb6113c8b614be442', 'HomeDomain', 'Library/AddressBook/AddressBook.sqlitedb'],
  ['cd6702cea29fe89cf280a76794405adb17f9a0ee', 'HomeDomain', 'Library/AddressBook/AddressBookImages.sqlitedb'],
  ['5a4935c78a5255723f707230a451d79c540d2741', 'HomeDomain', 'Library/CallHistoryDB/CallHistory.storedata'],
  ['2b2b0084a1bc3a5ac8c27afdf14afb42c61a19ca', 'WirelessDomain', 'Library/CallHistory/call_history.db'],
  ['4f98687d8ab0d6d1a371110e6b7300f6e465bef2', 'AppDomainGroup-group.com.apple.notes', 'NoteStore.sqlite'],
  ['ca3bc056d4da0bbf88b5fb3be254f3b7147e639c', 'HomeDomain', 'Library/Notes/notes.sqlite'],
  ['2041457d5fe04d39d0ab481178355df6781e6858', 'HomeDomain', 'Library/Calendar/Calendar.sqlitedb'],
  ['1a0e7afc19d307da602ccdcece51af33afe92c53', 'HomeDomain', 'Library/Safari/History.db'],
  ['d1f062e2da26192a6625d968274bfda8d07821e4', 'HomeDomain', 'Library/Safari/Bookmarks.db'],
  ['12b144c0bd44f2b3dffd9186d3f9c05b917cee25', 'CameraRollDomain', 'Media/PhotoData/Photos.sqlite'],
  ['992df473bbb9e132f4b3b6e4d33f72171e97bc7a', 'HomeDomain', 'Library/Voicemail/voicemail.db'],
  [
    '7c7fba66680ef796b916b067077cc246adacf01d',
    'AppDomainGroup-group.net.whatsapp.WhatsApp.shared',
    'ChatStorage.sqlite',
  ],
  ['51a4616e576dd33cd2abadfea874eb8ff246bf0e', 'KeychainDomain', 'keychain-backup.plist'],
  ['70765829101933f25994c71bbee6dfd685535bff', 'HomeDomain', ''],
]

for (const [fileId, domain, relativePath] of VECTORS) {
  test(`the file id of ${domain}-${relativePath}`, () => assert.equal(fileIdOf({ domain, relativePath }), fileId))
}

test('composed and decomposed letters are different files', () => {
  const ids = ['é', 'e\u0301', 'É'].map((relativePath) => fileIdOf({ domain: 'HomeDomain', relativePath }))
  assert.equal(new Set(ids).size, 3)
})

test('only 40 lower-case hex digits are a file id', () => {
  const good = '3d0d7e5fb2ce288813306e4d4636395e047a3d28'
  assert.equal(parseFileId(good), good)
  for (const bad of [
    '',
    good.toUpperCase(),
    good.slice(1),
    `${good}0`,
    `${good}\n`,
    `../${good.slice(3)}`,
    `g${good.slice(1)}`,
  ]) {
    assert.equal(parseFileId(bad), undefined, bad)
  }
})
