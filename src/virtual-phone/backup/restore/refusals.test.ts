import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { encodeXmlPlist, type PlistDict, textOf } from '../../../plist/index.ts'
import { newPhone, type PhoneForTests, UDID } from '../../testing/phone-for-tests.ts'
import { backedUp, copyOf, digestsOf, restoreTo } from '../../testing/restoring.ts'
import { hold, type ScriptedHost } from '../../testing/scripted-host.ts'
import { encodeStatus } from '../status-plist.ts'

const phone = newPhone({ files: 60, bytes: 300_000 })
after(() => phone.contents[Symbol.asyncDispose]())
const backup = await backedUp(phone)
phone.contents.change({ seed: 1, rewrite: 3 })
const before = await digestsOf(phone.contents)

const STATUS = {
  uuid: 'ABC',
  version: '3.3',
  backupState: 'new',
  snapshotState: 'finished',
  isFullBackup: false,
  date: new Date(0),
} as const

interface Refusal {
  readonly when: string
  readonly phone?: (phone: PhoneForTests) => void
  readonly host?: (host: ScriptedHost) => void
  readonly options?: PlistDict
  readonly code: number
  readonly says: RegExp
}

const setStatus = (change: Partial<Parameters<typeof encodeStatus>[0]>) => (host: ScriptedHost) =>
  void host.files.set(`${UDID}/Status.plist`, encodeStatus({ ...STATUS, ...change }))
const without = (name: string) => (host: ScriptedHost) => void host.files.delete(`${UDID}/${name}`)
const aPayload = [...backup.files.keys()].findLast((path) => /[0-9a-f]{40}$/.test(path))!

// Codes and texts: docs/protocol/mobilebackup2.md#restore
const REFUSALS: readonly Refusal[] = [
  {
    when: 'there is no Manifest.plist',
    host: without('Manifest.plist'),
    code: 205,
    says: /^Error reading manifest.*\/4\)/,
  },
  { when: 'there is no Manifest.db', host: without('Manifest.db'), code: 205, says: /^Error reading manifest.*\/4\)/ },
  {
    when: 'Manifest.plist is nonsense',
    host: (host) => host.files.set(`${UDID}/Manifest.plist`, Buffer.from('nonsense')),
    code: 205,
    says: /^Error reading manifest.*\/11\)/,
  },
  {
    when: 'Manifest.db is nonsense',
    host: (host) => host.files.set(`${UDID}/Manifest.db`, Buffer.alloc(8_192, 1)),
    code: 205,
    says: /^Error reading manifest.*\/12\)/,
  },
  {
    when: 'device management forbids it',
    phone: ({ condition }) => condition.set({ forbidsBackup: true }),
    code: 22,
    says: /device management/,
  },
  {
    when: 'a restore from iCloud is running',
    phone: ({ condition }) => condition.set({ isRestoringFromCloud: true }),
    code: 25,
    says: /iCloud/,
  },
  {
    when: 'an earlier restore has left its folders',
    phone: ({ agent }) => {
      agent.hasRestoreLeftovers = true
    },
    code: 102,
    says: /^\.backup\.i exists/,
  },
  {
    when: 'Find My is on',
    phone: ({ lockdown }) => lockdown.set('com.apple.fmip', 'IsAssociated', true),
    code: 211,
    says: /^Find My iPhone must be disabled before restoring/,
  },
  { when: 'there is no Status.plist', host: without('Status.plist'), code: 204, says: /^No backup/ },
  { when: 'the backup is empty', host: setStatus({ backupState: 'empty' }), code: 204, says: /empty/ },
  { when: 'the backup is old', host: setStatus({ backupState: 'old' }), code: 203, says: /version/ },
  { when: 'the backup has an old version', host: setStatus({ version: '2.3' }), code: 203, says: /version/ },
  {
    when: 'Status.plist is nonsense',
    host: (host) => host.files.set(`${UDID}/Status.plist`, Buffer.from('nonsense')),
    code: 205,
    says: /^Error reading status.*\/11\)/,
  },
  {
    when: 'a first backup was interrupted while it uploaded',
    host: (host) => {
      setStatus({ snapshotState: 'uploading' })(host)
      without('Manifest.plist')(host)
    },
    code: 204,
    says: /^Initial backup failed while uploading files/,
  },
  {
    when: 'the backup is of a newer iOS',
    phone: ({ lockdown }) => lockdown.set('', 'ProductVersion', '17.5'),
    host: (host) => host.files.set(`${UDID}/Info.plist`, encodeXmlPlist({ 'Product Version': '17.5.1' })),
    code: 203,
    says: /17\.5\.1 > 17\.5/,
  },
  {
    when: 'Info.plist is nonsense',
    host: (host) => host.files.set(`${UDID}/Info.plist`, Buffer.from('nonsense')),
    code: 205,
    says: /^Error reading Info\.plist/,
  },
  {
    when: 'the phone has not the room',
    phone: ({ lockdown }) => lockdown.set('com.apple.disk_usage', 'AmountRestoreAvailable', 299_999),
    code: 106,
    says: /^Insufficient free disk space on device to restore \(299999 < 300000\)/,
  },
  {
    when: 'the host sends more than the manifest says, and than there is room for',
    phone: ({ lockdown }) => lockdown.set('com.apple.disk_usage', 'AmountRestoreAvailable', 300_100),
    host: (host) => host.files.set(aPayload, Buffer.concat([host.files.get(aPayload)!, Buffer.alloc(101, 1)])),
    code: 106,
    says: /^No space left on device/,
  },
  {
    when: 'the host has not one of the files',
    host: (host) => host.files.delete(aPayload),
    code: 205,
    says: /^Multiple errors downloading files.*\/4\)/,
  },
  {
    when: 'the host cannot read one of the files',
    host: (host) => {
      host.meddle = (request) => {
        const asks =
          request[0] === 'DLMessageDownloadFiles' && Array.isArray(request[1]) && request[1].includes(aPayload)
        return asks
          ? [-13, 'Multi status', { [aPayload]: { DLFileErrorCode: -11, DLFileErrorString: 'EIO' } }]
          : undefined
      }
    },
    code: 205,
    says: /^Multiple errors downloading files.*EIO.*\/100\)/,
  },
  {
    when: 'device management demands encryption and the backup has none',
    phone: ({ condition }) => condition.set({ requiresEncryption: true }),
    code: 1,
    says: /^Error setting WillEncrypt value.*\/22\)/,
  },
]

for (const { when, code, says, options = {}, ...change } of REFUSALS) {
  test(`when ${when}, a restore ends with ${code} and the phone is what it was`, async () => {
    const refusing = { ...newPhone(), contents: phone.contents }
    const host = copyOf(backup)
    change.phone?.(refusing)
    change.host?.(host)
    const { response } = await restoreTo(refusing, host, { options })
    assert.equal(response?.ErrorCode, code)
    assert.match(textOf(response?.ErrorDescription) ?? '', says)
    assert.equal(refusing.restarts, 0)
    assert.deepEqual(await digestsOf(phone.contents), before)
  })
}

test('Info.plist may be missing, or of the same iOS', async () => {
  for (const info of [undefined, { 'Product Version': '17.5' }, { 'Product Version': '9.3.5' }]) {
    const older = newPhone()
    await using _ = older.contents
    older.lockdown.set('', 'ProductVersion', '17.5')
    const host = copyOf(backup)
    if (info !== undefined) host.files.set(`${UDID}/Info.plist`, encodeXmlPlist(info))
    assert.equal((await restoreTo(older, host)).response?.ErrorCode, 0)
  }
})

test('a link that is cut leaves the phone as it was, however late', async () => {
  for (const cutFrom of [1, 4, 6]) {
    const host = copyOf(backup)
    let requests = 0
    host.meddle = () => (++requests > cutFrom ? 'cut' : undefined)
    assert.equal((await restoreTo(phone, host)).response, undefined)
    assert.deepEqual(await digestsOf(phone.contents), before)
  }
})

test('a request that names no backup is hung up on', async () => {
  const { response, transcript } = await hold(copyOf(backup), phone, { MessageName: 'Restore' })
  assert.equal(response, undefined)
  assert.deepEqual(transcript, [])
})
