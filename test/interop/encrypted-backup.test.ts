import assert from 'node:assert/strict'
import { stat, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { isAppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { entriesOfFolder, entriesOfPhone } from '../testing/backup-entries.ts'
import { idevicebackup2, theirBackup } from '../testing/idevicebackup2.ts'
import { addOddFiles } from '../testing/odd-files.ts'
import { FEW_ITERATIONS } from '../testing/restore-world.ts'
import { openWorld } from '../testing/world.ts'

const FIRST = 'Straße 7 🔑'
const SECOND = 'correct horse battery staple'

const code = (expected: string) => (error: unknown) => isAppError(error, expected)

const openEncryptingPhone = () =>
  openWorld({
    files: 150,
    bytes: 1_500_000,
    virtual: { encryption: { password: new Secret(FIRST), iterations: FEW_ITERATIONS } },
  })

// Side by side: idevicebackup2 spends most of its time asleep.
describe('an encrypted backup of idevicebackup2', { concurrency: true }, () => {
  test('decrypts to the phone, its names, times and every byte: full, incremental, and after changepw', async () => {
    await using world = await openEncryptingPhone()
    const { contents } = world.virtual
    addOddFiles(contents)
    const folder = await theirBackup(world)
    assert.deepEqual(await entriesOfFolder(folder, FIRST), await entriesOfPhone(contents))

    contents.change({ seed: 5, add: 4, rewrite: 5, move: 3, remove: 4 })
    await theirBackup(world)
    const incremental = await entriesOfPhone(contents)
    assert.deepEqual(await entriesOfFolder(folder, FIRST), incremental)

    const changed = await idevicebackup2(world, 'changepw', FIRST, SECOND, dirname(folder))
    assert.match(changed, /password has been changed successfully/)
    assert.deepEqual(await entriesOfFolder(folder, FIRST), incremental, 'the backup is of the time before')
    contents.change({ seed: 6, add: 2, rewrite: 2, move: 2, remove: 2 })
    await theirBackup(world)
    assert.deepEqual(await entriesOfFolder(folder, SECOND), await entriesOfPhone(contents))
    await assert.rejects(entriesOfFolder(folder, FIRST), code('backup-set.wrong-password'))
  })

  test('is told apart without a password, with a wrong one, and cut off', async () => {
    await using world = await openEncryptingPhone()
    const folder = await theirBackup(world)
    await assert.rejects(entriesOfFolder(folder), code('backup-set.encrypted'))
    for (const wrong of [SECOND, `${FIRST} `, '']) {
      await assert.rejects(entriesOfFolder(folder, wrong), code('backup-set.wrong-password'))
    }
    const list = join(folder, 'Manifest.db')
    await truncate(list, (await stat(list)).size - 5000)
    await assert.rejects(entriesOfFolder(folder, FIRST), code('backup-set.damaged'))
    await assert.rejects(entriesOfFolder(folder, SECOND), code('backup-set.wrong-password'))
  })
})
