import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { fileIdOf } from '../../src/backup-set/index.ts'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { openFolderContents, openSeededContents } from '../../src/virtual-phone/index.ts'
import { assertHolds, hashContents } from '../testing/backup-folder.ts'
import { addOddFiles } from '../testing/odd-files.ts'
import { restic } from '../testing/restic.ts'
import { openWorld } from '../testing/world.ts'

test('a phone filled from a folder that idevicebackup2 wrote, oddities and all, is backed up as it is', async () => {
  const contents = openSeededContents({ seed: 4, files: 120, bytes: 4_000_000, ios: '18.7', clock: systemClock })
  addOddFiles(contents)
  const missing = { domain: 'AppDomain-org.example.odd', relativePath: 'Documents/missing.txt' }
  contents.write(missing, Buffer.from('its file will be gone'))
  await using origin = await openWorld({ contents })

  const root = join(origin.folder, 'written by idevicebackup2')
  await mkdir(root)
  const env = { PATH: process.env.PATH, USBMUXD_SOCKET_ADDRESS: origin.muxAddress }
  await promisify(execFile)('idevicebackup2', ['backup', root], { env, maxBuffer: 2 ** 26 })
  const folder = join(root, origin.virtual.udid)
  const missingId = fileIdOf(missing)
  await rm(join(folder, missingId.slice(0, 2), missingId))
  await writeFile(join(folder, '.DS_Store'), 'not of the phone')
  await symlink('/etc/hostname', join(folder, '00', 'f'.repeat(40)))

  const copied = await openFolderContents({ folder: root, clock: systemClock, signal: NEVER })
  assert.equal(copied.notes.length, 1)
  assert.equal(copied.totals.files, contents.totals.files - 1)
  await using world = await openWorld({ contents: copied })
  assert.equal(world.virtual.udid, origin.virtual.udid)
  const { snapshot } = await world.backUp()
  const target = join(world.folder, 'restored')
  await restic(world.repositoryFolder, 'restore', snapshot.id, '--target', target)

  const expected = await hashContents(contents)
  expected.delete(join(missingId.slice(0, 2), missingId))
  await assertHolds(join(target, world.virtual.udid), expected)
})
