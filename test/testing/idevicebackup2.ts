import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runTool } from '../../src/virtual-phone/testing/debian-tools.ts'
import type { World } from './world.ts'

/** Runs libimobiledevice's own tool on the world's phone, which it pairs with first; its whole output. Fails if it does. */
export async function idevicebackup2({ muxAddress, virtual }: World, ...args: readonly string[]): Promise<string> {
  const { output, exitCode } = await runTool(muxAddress, 'idevicebackup2', '-u', virtual.udid, ...args)
  assert.equal(exitCode, 0, output)
  return output
}

/** Backs the phone up where it did so before, and gives the folder of this phone. */
export async function theirBackup(world: World): Promise<string> {
  const root = join(world.folder, 'idevicebackup2')
  await mkdir(root, { recursive: true })
  assert.match(await idevicebackup2(world, 'backup', root), /Backup Successful/)
  return join(root, world.virtual.udid)
}
