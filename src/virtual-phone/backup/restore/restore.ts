import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WaitOptions } from '../../../base/channel.ts'
import { type PlistDict, textOf } from '../../../plist/index.ts'
import { openFileStore, PhoneContents } from '../../contents/index.ts'
import { type BackupPhone, setBackupPassword } from '../backup-phone.ts'
import { HostLeft } from '../device-link.ts'
import type { HostDrive } from '../host-drive.ts'
import type { Run } from '../run.ts'
import { appsOf } from './apps.ts'
import { fetchContent, measureContent } from './content.ts'
import { copyBackup } from './host-copy.ts'
import { checkEncryption, checkPhone, checkRoom, checkVersion } from './preconditions.ts'
import { parseRestoreRequest, type RestoreRequest } from './request.ts'
import { scopeOf } from './scope.ts'
import { deviceClassOf, deviceNameOf, openSource, peekAtManifest, type SourceBackup } from './source-backup.ts'

/**
 * Answers a Restore request; true: the phone is to restart afterwards. Without a SourceIdentifier the phone hangs up. Throws
 * what `restore` does.
 */
export async function serveRestore(
  phone: BackupPhone,
  { drive, request }: { drive: HostDrive; request: PlistDict },
  options: WaitOptions,
): Promise<boolean> {
  const wanted = parseRestoreRequest(request)
  if (wanted === undefined) throw new HostLeft('The request names no backup')
  await restore(phone, { drive, request: wanted }, options)
  phone.agent.hasRestoreLeftovers = !wanted.reboots
  return wanted.reboots
}

/**
 * One whole restore, as the phone commands it. Everything is gathered beside the phone's contents and put in place at the end:
 * an error, an abort or a lost connection leaves the phone as it was. Throws `BackupError` for what the host is to be told.
 * Source: docs/protocol/mobilebackup2.md#restore
 */
async function restore(
  phone: BackupPhone,
  { drive, request }: { drive: HostDrive; request: RestoreRequest },
  { signal }: WaitOptions,
): Promise<void> {
  await using temp = await mkdtempDisposable(join(tmpdir(), 'virtual-phone-'))
  const { source, password } = request
  const run: Run = { phone, drive, root: source, password, tempFolder: temp.path, signal }
  await peekAtManifest(run)
  checkPhone(phone)
  const backup = await openSource(run)
  await checkVersion(run)
  const phoneClass = textOf(phone.lockdown.get('', 'DeviceClass'))
  const covers = scopeOf(request, { backupClass: deviceClassOf(backup), phoneClass })
  const bytesTotal = await measureContent(run, backup, covers)
  checkRoom(phone, bytesTotal)
  if (request.copiesBackup) await copyBackup(run)
  await using unless = new AsyncDisposableStack()
  const store = unless.use(await openFileStore())
  const brought = new PhoneContents({
    identity: {},
    apps: appsOf(backup, phone.restoreApplications()),
    clock: phone.clock,
  })
  await fetchContent({ run, backup, covers, store, brought, bytesTotal })
  checkEncryption(phone, backup)
  unless.move()
  if (request.apps === undefined) applySettings(phone, { backup, request })
  await phone.contents.adopt(brought, { store, loses: request.removesOthers ? covers : () => false })
}

/** What the phone itself takes over from the backup, beside its contents. */
function applySettings(
  phone: BackupPhone,
  { backup, request }: { backup: SourceBackup; request: RestoreRequest },
): void {
  setBackupPassword(phone, backup.keys && request.password)
  const name = deviceNameOf(backup)
  if (!request.preservesSettings && name !== undefined) phone.lockdown.set('', 'DeviceName', name)
}
