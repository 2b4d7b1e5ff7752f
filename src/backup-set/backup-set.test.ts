import assert from 'node:assert/strict'
import { mkdtempDisposable, readdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { NEVER } from '../base/abort.ts'
import { type AppError, isAppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { encodeBinaryPlist, type PlistDict, parsePlist } from '../plist/index.ts'
import { type BackupSet, dataPathOf, fileIdOf, openBackupSet } from './index.ts'
import { filesOf, fixedBytes, type MadeBackup, type MadeEntry, makeBackup } from './testing/made-backup.ts'

const signal = NEVER
const PASSWORD = 'backup pässword'
const password = new Secret(PASSWORD)

const ENTRIES: readonly MadeEntry[] = [
  { domain: 'HomeDomain', relativePath: '' },
  { domain: 'HomeDomain', relativePath: 'Library' },
  { domain: 'HomeDomain', relativePath: 'Library/SMS' },
  { domain: 'HomeDomain', relativePath: 'Library/SMS/sms.db', content: fixedBytes('sms', 5000), withDigest: true },
  { domain: 'HomeDomain', relativePath: 'Library/SMSx', content: fixedBytes('smsx', 16) },
  { domain: 'HomeDomain', relativePath: 'Library/empty', content: Buffer.alloc(0), withDigest: true, keyClass: 1 },
  { domain: 'HomeDomain', relativePath: 'Library/é', content: fixedBytes('é', 15), keyClass: 2 },
  { domain: 'HomeDomain', relativePath: 'Library/e\u0301', content: fixedBytes('e\u0301', 17), keyClass: 4 },
  {
    domain: 'CameraRollDomain',
    relativePath: 'Media/DCIM/100APPLE/IMG_0001.HEIC',
    content: fixedBytes('a photo', 4096),
  },
  { domain: 'CameraRollDomain', relativePath: 'grown.db', content: fixedBytes('grown', 900), sizeBytes: 500 },
  { domain: 'CameraRollDomain', relativePath: 'shrunk.db', content: fixedBytes('shrunk', 100), sizeBytes: 500 },
  { domain: 'RootDomain', relativePath: 'link', target: '/private/var/x' },
]

const SMS = ENTRIES[3]!
const PHOTO = ENTRIES[8]!

const refusedAs =
  (code: string, saw = /./) =>
  (error: unknown) =>
    isAppError(error, code) && saw.test(error.message)

/** Opens what was made, hands it over, and asserts that nothing decrypted is left behind. */
async function withSet<Result>(
  made: MadeBackup,
  use: (set: BackupSet, tempFolder: string) => Promise<Result>,
  secret?: Secret,
) {
  await using temp = await mkdtempDisposable(join(tmpdir(), 'phonekeep-set-'))
  try {
    await using set = await openBackupSet(filesOf(made), { password: secret, tempFolder: temp.path, signal })
    return await use(set, temp.path)
  } finally {
    assert.deepEqual(await readdir(temp.path), [])
  }
}

async function readAll(set: BackupSet, name: { domain: string; relativePath: string }): Promise<Buffer> {
  const entry = set.find(name)
  assert.ok(entry, 'it is listed')
  return Buffer.concat(await Array.fromAsync(set.read(entry, { signal })))
}

const readOne = (made: MadeBackup, name: { domain: string; relativePath: string }) =>
  withSet(made, (set) => readAll(set, name), password)

const opening = (made: MadeBackup, secret: Secret | undefined = password) => withSet(made, async () => {}, secret)

/** The data of an entry, or a file of the backup by its name, changed. */
function changed(
  made: MadeBackup,
  path: string | MadeEntry,
  change: (bytes: Buffer) => Uint8Array | undefined,
): MadeBackup {
  const name = typeof path === 'string' ? path : dataPathOf(fileIdOf(path))
  const copy = new Map(made)
  const bytes = change(Buffer.from(made.get(name) ?? assert.fail(name)))
  if (bytes === undefined) copy.delete(name)
  else copy.set(name, Buffer.from(bytes))
  return copy
}

const flipped = (at: number) => (bytes: Buffer) => {
  bytes[at]! ^= 8
  return bytes
}

function withManifest(made: MadeBackup, change: (manifest: PlistDict) => PlistDict): MadeBackup {
  return changed(made, 'Manifest.plist', (bytes) => encodeBinaryPlist(change(parsePlist(bytes) as PlistDict)))
}

const ENCRYPTED = makeBackup({ entries: ENTRIES, password: PASSWORD })
const PLAIN = makeBackup({ entries: ENTRIES })
const OLD = makeBackup({ entries: ENTRIES, password: PASSWORD, old: true })

for (const { claim, made, isEncrypted } of [
  { claim: 'an encrypted backup', made: ENCRYPTED, isEncrypted: true },
  { claim: 'an encrypted backup of iOS 10.1, whose index is not', made: OLD, isEncrypted: true },
  { claim: 'an unencrypted backup', made: PLAIN, isEncrypted: false },
]) {
  test(`every byte of ${claim} is read, and every entry is listed with its record`, async () => {
    await withSet(
      made,
      async (set) => {
        assert.equal(set.isEncrypted, isEncrypted)
        assert.equal(set.status.snapshotState, 'finished')
        assert.equal(set.manifest.isEncrypted, isEncrypted)
        const listed = [...set.entries()]
        assert.deepEqual(
          listed.map(({ domain, relativePath }) => [domain, relativePath]),
          ENTRIES.map(({ domain, relativePath }) => [domain, relativePath]),
        )
        for (const [index, { content, target, sizeBytes, domain, relativePath }] of ENTRIES.entries()) {
          const entry = listed[index]!
          assert.equal(entry.kind, content ? 'file' : target === undefined ? 'folder' : 'link')
          assert.equal(entry.record.target, target)
          assert.equal(entry.record.sizeBytes, sizeBytes ?? content?.length ?? 0)
          assert.equal(entry.record.encryptionKey !== undefined, isEncrypted && content !== undefined)
          assert.deepEqual(set.find({ domain, relativePath }), entry)
          if (content) assert.deepEqual(await readAll(set, entry), Buffer.from(content), relativePath)
        }
      },
      password,
    )
  })
}

test('stored bytes are not the content, so the tests prove something', () => {
  for (const entry of ENTRIES.filter(({ content }) => content)) {
    const stored = ENCRYPTED.get(dataPathOf(fileIdOf(entry)))!
    assert.equal(stored.length, (Math.floor(entry.content!.length / 16) + 1) * 16)
    assert.ok(entry.content!.length === 0 || !stored.includes(Buffer.from(entry.content!).subarray(0, 8)))
  }
})

test('entries are selected by domain, by a path and all below it, and by kind', async () => {
  const select = (selection: object) =>
    withSet(PLAIN, async (set) => [...set.entries(selection)].map(({ relativePath }) => relativePath))
  assert.deepEqual(await select({ domain: 'RootDomain' }), ['link'])
  assert.deepEqual(await select({ domain: 'HomeDomain', path: 'Library/SMS' }), ['Library/SMS', 'Library/SMS/sms.db'])
  assert.deepEqual(await select({ path: 'Library/SMS/sms.db' }), ['Library/SMS/sms.db'])
  assert.deepEqual(await select({ domain: 'HomeDomain', kind: 'folder' }), ['', 'Library', 'Library/SMS'])
  assert.deepEqual(await select({ domain: 'homedomain' }), [])
})

test('what is not listed is not found', async () => {
  await withSet(PLAIN, async (set) => {
    assert.equal(set.find({ domain: 'HomeDomain', relativePath: 'library/sms/sms.db' }), undefined)
  })
})

test('the decrypted index is for its owner only, and gone after use', async () => {
  await withSet(
    ENCRYPTED,
    async (_set, tempFolder) => {
      const [folder = ''] = await readdir(tempFolder)
      const modeOf = async (path: string) => (await stat(path)).mode & 0o777
      assert.equal(await modeOf(join(tempFolder, folder)), 0o700)
      assert.equal(await modeOf(join(tempFolder, folder, 'Manifest.db')), 0o600)
    },
    password,
  )
})

test('an encrypted backup wants a password, before anything else is done', async () => {
  for (const made of [ENCRYPTED, OLD])
    await assert.rejects(
      withSet(made, async () => {}),
      refusedAs('backup-set.encrypted'),
    )
})

test('a wrong password is told apart from damage', async () => {
  for (const made of [ENCRYPTED, OLD]) {
    await assert.rejects(opening(made, new Secret('passcode')), refusedAs('backup-set.wrong-password'))
  }
})

test('an unencrypted backup takes any password, and needs none', async () => {
  assert.equal(await withSet(PLAIN, async (set) => set.isEncrypted, password), false)
})

test('whether the index is encrypted is seen from the index, not from what the manifest says', async () => {
  const lying = withManifest(ENCRYPTED, (manifest) => ({ ...manifest, IsEncrypted: false }))
  assert.deepEqual(await readOne(lying, PHOTO), PHOTO.content)
})

test('a backup that some tool has decrypted is read as it is', async () => {
  const decrypted: MadeBackup = new Map([...PLAIN, ['Manifest.plist', ENCRYPTED.get('Manifest.plist')!]])
  assert.deepEqual(await withSet(decrypted, (set) => readAll(set, PHOTO)), PHOTO.content)
})

const WITHOUT = (key: string) => (manifest: PlistDict) =>
  Object.fromEntries(Object.entries(manifest).filter(([name]) => name !== key))

const BROKEN: readonly (readonly [claim: string, made: MadeBackup, code: string, saw: RegExp])[] = [
  [
    'without a manifest',
    changed(ENCRYPTED, 'Manifest.plist', () => undefined),
    'backup-set.missing',
    /no Manifest\.plist/,
  ],
  ['without a status', changed(ENCRYPTED, 'Status.plist', () => undefined), 'backup-set.missing', /no Status\.plist/],
  ['without an index', changed(ENCRYPTED, 'Manifest.db', () => undefined), 'backup-set.missing', /no Manifest\.db/],
  [
    'whose manifest is no plist',
    changed(ENCRYPTED, 'Manifest.plist', () => fixedBytes('x', 99)),
    'backup-set.damaged',
    /Manifest\.plist cannot be read/,
  ],
  [
    'whose status is empty',
    changed(ENCRYPTED, 'Status.plist', () => new Uint8Array(0)),
    'backup-set.damaged',
    /Status\.plist cannot be read/,
  ],
  ['without a key bag', withManifest(ENCRYPTED, WITHOUT('BackupKeyBag')), 'backup-set.damaged', /no key bag/],
  [
    'with half a key bag',
    withManifest(ENCRYPTED, (manifest) => ({
      ...manifest,
      BackupKeyBag: (manifest.BackupKeyBag as Uint8Array).subarray(0, 700),
    })),
    'backup-set.damaged',
    /key bag/,
  ],
  [
    'with a damaged class in its key bag',
    withManifest(ENCRYPTED, (manifest) => ({
      ...manifest,
      BackupKeyBag: flipped(1387 - 4)(Buffer.from(manifest.BackupKeyBag as Uint8Array)),
    })),
    'backup-set.damaged',
    /not its class 1$/,
  ],
  [
    'without a key for the index',
    withManifest(ENCRYPTED, WITHOUT('ManifestKey')),
    'backup-set.damaged',
    /no database, and Manifest\.plist has no key/,
  ],
  [
    'whose key for the index was changed',
    withManifest(ENCRYPTED, (manifest) => ({
      ...manifest,
      ManifestKey: flipped(30)(Buffer.from(manifest.ManifestKey as Uint8Array)),
    })),
    'backup-set.damaged',
    /key of Manifest\.db does not open/,
  ],
  [
    'whose index was cut off',
    changed(ENCRYPTED, 'Manifest.db', (bytes) => bytes.subarray(0, 5000)),
    'backup-set.damaged',
    /Manifest\.db was cut off/,
  ],
  [
    'whose index is empty',
    changed(ENCRYPTED, 'Manifest.db', () => new Uint8Array(0)),
    'backup-set.damaged',
    /Manifest\.db was cut off/,
  ],
  [
    'whose index begins with a changed block',
    changed(ENCRYPTED, 'Manifest.db', flipped(3)),
    'backup-set.damaged',
    /does not decrypt to a database/,
  ],
]

for (const [claim, made, code, saw] of BROKEN) {
  test(`a backup ${claim} is refused with a reason`, async () => {
    await assert.rejects(opening(made), refusedAs(code, saw))
  })
}

test('an unencrypted backup whose index was damaged is not taken for an encrypted one', async () => {
  const made = changed(PLAIN, 'Manifest.db', flipped(0))
  await assert.rejects(
    withSet(made, async () => {}),
    refusedAs('backup-set.damaged', /no database/),
  )
})

test('a backup of iOS 9 is named as such', async () => {
  const made = changed(PLAIN, 'Manifest.db', () => undefined).set('Manifest.mbdb', Buffer.from('mbdb\x05\x00'))
  await assert.rejects(opening(made), refusedAs('backup-set.unsupported', /iOS 9/))
})

test('an index with any bit changed is read, or refused with a reason', async () => {
  const size = ENCRYPTED.get('Manifest.db')!.length
  await fc.assert(
    fc.asyncProperty(fc.nat(size - 1), async (at) => {
      try {
        await withSet(
          changed(ENCRYPTED, 'Manifest.db', flipped(at)),
          async (set) => {
            for (const entry of set.entries({ onBadRow: () => {} })) assert.ok(entry.fileId)
            set.find(PHOTO)
          },
          password,
        )
      } catch (error) {
        assert.ok(isAppError(error) && error.code.startsWith('backup-set.'), String(error))
      }
    }),
    { numRuns: 60 },
  )
})

test('a changed bit in a file with a digest is told after all its bytes', async () => {
  await withSet(
    changed(ENCRYPTED, SMS, flipped(100)),
    async (set) => {
      let bytes = 0
      const reading = async () => {
        for await (const piece of set.read(set.find(SMS)!, { signal })) bytes += piece.length
      }
      await assert.rejects(
        reading(),
        refusedAs('backup-set.altered', /^"HomeDomain\/Library\/SMS\/sms\.db" is not as it was/),
      )
      assert.equal(bytes, SMS.content!.length)
    },
    password,
  )
})

test('a changed end of a file is told even without a digest', async () => {
  await assert.rejects(readOne(changed(ENCRYPTED, PHOTO, flipped(4096 + 15)), PHOTO), refusedAs('backup-set.altered'))
})

test('a file that was cut off is damaged', async () => {
  for (const length of [0, 1, 16, 4095, 4080]) {
    const made = changed(ENCRYPTED, PHOTO, (bytes) => bytes.subarray(0, length))
    await assert.rejects(readOne(made, PHOTO), refusedAs('backup-set.damaged', /IMG_0001/))
  }
})

test('a file without its data is missing, unless it is empty anyway', async () => {
  await assert.rejects(
    readOne(
      changed(ENCRYPTED, PHOTO, () => undefined),
      PHOTO,
    ),
    refusedAs('backup-set.data-missing', /IMG_0001/),
  )
  const empty = ENTRIES[5]!
  assert.deepEqual(
    await readOne(
      changed(ENCRYPTED, empty, () => undefined),
      empty,
    ),
    Buffer.alloc(0),
  )
})

test('a file whose key needs the phone, or is gone, says so', async () => {
  const keyless = { ...PHOTO, keyClass: 9 }
  await assert.rejects(
    readOne(makeBackup({ entries: [keyless], password: PASSWORD }), keyless),
    refusedAs('backup-set.damaged', /IMG_0001.* is of class 9, which no password opens/),
  )
  const mixed: MadeBackup = new Map([...OLD, ['Manifest.db', PLAIN.get('Manifest.db')!]])
  await assert.rejects(readOne(mixed, PHOTO), refusedAs('backup-set.damaged', /has no key$/))
})

test('a row that no phone writes is told, and the others are listed', async () => {
  const entries = [{ domain: 'HomeDomain', relativePath: 'a', sizeBytes: -1, content: Buffer.from('a') }, ...ENTRIES]
  await withSet(makeBackup({ entries }), async (set) => {
    const bad: AppError[] = []
    assert.equal([...set.entries({ onBadRow: (error) => bad.push(error) })].length, ENTRIES.length)
    assert.deepEqual(
      bad.map(({ code }) => code),
      ['backup-set.bad-row'],
    )
    assert.throws(() => [...set.entries()], refusedAs('backup-set.bad-row'))
  })
})

test('an aborted opening rejects with the reason, and leaves nothing', async () => {
  await using temp = await mkdtempDisposable(join(tmpdir(), 'phonekeep-set-'))
  const aborted = AbortSignal.abort(new Error('enough'))
  await assert.rejects(
    openBackupSet(filesOf(ENCRYPTED), { password, tempFolder: temp.path, signal: aborted }),
    /enough/,
  )
  assert.deepEqual(await readdir(temp.path), [])
})

test('neither the password nor a key can be printed, in a set or in its errors', async () => {
  const seen: unknown[] = []
  await withSet(
    changed(ENCRYPTED, PHOTO, () => undefined),
    async (set) => {
      seen.push(set, await readAll(set, PHOTO).catch((error: unknown) => error))
    },
    password,
  )
  seen.push(await opening(ENCRYPTED, new Secret('wrong pässword')).catch((error: unknown) => error))
  const printed = seen.map((one) => inspect(one, { showHidden: true, depth: 20 }) + JSON.stringify(one)).join('')
  assert.ok(printed.length > 100)
  const keys = ['class 3', 'class 4', 'Manifest.db', 'HomeDomain-Library/SMS/sms.db'].map((label) =>
    fixedBytes(label, 32),
  )
  for (const key of keys) {
    for (const text of [key.toString('hex'), key.toString('base64'), inspect(key).slice(8, 30)])
      assert.ok(!printed.includes(text))
  }
  assert.doesNotMatch(printed, /pässword/)
})

test('reading holds a bounded part of a file, however large it is', async () => {
  const large = { domain: 'MediaDomain', relativePath: 'large', content: Buffer.alloc(8 * 2 ** 20, 'large') }
  const made = makeBackup({ entries: [large], password: PASSWORD })
  const stored = made.get(dataPathOf(fileIdOf(large)))!
  const pieceBytes = 64 * 1024
  let given = 0
  let taken = 0
  const counted = async function* () {
    for (; given < stored.length; given += pieceBytes) {
      assert.ok(given - taken <= 3 * pieceBytes, `${given - taken} bytes are held`)
      yield stored.subarray(given, given + pieceBytes)
    }
  }
  const plain = filesOf(made)
  const files = {
    open: async (path: string, options: { signal: AbortSignal }) =>
      path.includes('/') ? { bytes: stored.length, content: counted() } : await plain.open(path, options),
  }
  await using temp = await mkdtempDisposable(join(tmpdir(), 'phonekeep-set-'))
  await using set = await openBackupSet(files, { password, tempFolder: temp.path, signal })
  for await (const piece of set.read(set.find(large)!, { signal })) taken += piece.length
  assert.equal(taken, large.content.length)
})
