import { encodeXmlPlist, textOf } from '../../../plist/index.ts'
import { stamp } from '../resume.ts'
import type { Run } from '../run.ts'
import { readInfo } from './info-plist.ts'

/** Room that must be left on the host. */
const SPARE_BYTES = 128 * 2 ** 20
/** Folders in a backup: its own, Snapshot, and `00` to `ff`. */
const DEPTH_MAX = 4

/**
 * Has the host copy the phone's own backup, so that a restore of another one does not lose it. Without such a backup, or
 * without room, nothing is copied. How much of it the host really copies is not looked at: hosts differ.
 * Source: docs/protocol/mobilebackup2.md#restore
 */
export async function copyBackup(run: Run): Promise<void> {
  const { drive, phone } = run
  const from = phone.udid
  const info = await readInfo(run, from)
  if (info === undefined) return
  const bytes = await drive.measure(from, { ...run, depth: DEPTH_MAX })
  const free = await drive.freeBytes(run)
  if (free !== undefined && free < bytes + SPARE_BYTES) return
  const date = stamp(phone.clock.nowMs())
  const to = `${from}-${date}`
  await drive.copy({ from, to, bytes }, run)
  const name = textOf(info['Display Name']) ?? textOf(info['Device Name']) ?? ''
  const renamed = { ...info, 'Target Identifier': to, 'Display Name': `${name} - ${date}` }
  await drive.uploadBytes(`${to}/Info.plist`, encodeXmlPlist(renamed), run)
}
