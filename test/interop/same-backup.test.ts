import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { hashFolder } from '../testing/backup-folder.ts'
import { restic } from '../testing/restic.ts'
import { openWorld, type World } from '../testing/world.ts'

/** Backs the phone up with libimobiledevice's own tool, and gives the folder it wrote. */
async function idevicebackup2(world: World): Promise<string> {
  const root = join(world.folder, 'idevicebackup2')
  await mkdir(root, { recursive: true })
  const env = { PATH: process.env.PATH, USBMUXD_SOCKET_ADDRESS: world.muxAddress }
  const { stdout } = await promisify(execFile)('idevicebackup2', ['backup', root], { env, maxBuffer: 2 ** 26 })
  assert.match(stdout, /Backup Successful\./)
  return join(root, world.virtual.udid)
}

async function phonekeepAndRestic(world: World): Promise<string> {
  const { snapshot } = await world.backUp()
  const target = join(world.folder, snapshot.id.slice(0, 8))
  await restic(world.repositoryFolder, 'restore', snapshot.id, '--target', target)
  return join(target, world.virtual.udid)
}

/** Of a backup folder, by path. Info.plist is the host's own, with a random number and the time in it. */
async function phonesOwnFiles(folder: string): Promise<readonly string[]> {
  const hashes = await hashFolder(folder)
  assert.ok(hashes.delete('Info.plist'))
  return [...hashes].map(([path, hash]) => `${hash} ${path}`).toSorted()
}

test('idevicebackup2 and Phonekeep end with the same files and the same bytes, full and incremental', async () => {
  await using world = await openWorld({ files: 400, bytes: 20_000_000 })
  assert.deepEqual(
    await phonesOwnFiles(await phonekeepAndRestic(world)),
    await phonesOwnFiles(await idevicebackup2(world)),
  )
  world.virtual.contents.change({ seed: 5, add: 10, rewrite: 10, move: 10, remove: 10 })
  assert.deepEqual(
    await phonesOwnFiles(await phonekeepAndRestic(world)),
    await phonesOwnFiles(await idevicebackup2(world)),
  )
})
