import type { WaitOptions } from '../../base/channel.ts'
import { Secret } from '../../base/secret.ts'
import { type PlistDict, textOf } from '../../plist/index.ts'
import { BackupError, MB } from './backup-error.ts'
import { type BackupPhone, setBackupPassword } from './backup-phone.ts'
import type { HostDrive } from './host-drive.ts'
import { parseManifestPlist, withKeyBag } from './manifest-plist.ts'
import { downloadSmall } from './run.ts'

/** An empty password is none. */
interface Passwords {
  readonly old: Secret | undefined
  readonly next: Secret | undefined
}

/**
 * ChangePassword, after the passcode: a new password alone switches encryption on, an old one alone off, both change it. A
 * backup on the host follows a changed password. Throws `BackupError` 207 for a wrong old password, 1 for a change that is not
 * allowed. Source: docs/protocol/mobilebackup2.md#the-backup-password
 */
export async function changePassword(
  phone: BackupPhone,
  { drive, request }: { drive: HostDrive; request: PlistDict },
  options: WaitOptions,
): Promise<void> {
  const passwords = { old: secretOf(request, 'OldPassword'), next: secretOf(request, 'NewPassword') }
  checkChange(phone, passwords)
  setBackupPassword(phone, passwords.next)
  await rewrapBackup(phone, drive, passwords, options)
}

function secretOf(request: PlistDict, key: string): Secret | undefined {
  const text = textOf(request[key])
  return text ? new Secret(text) : undefined
}

function checkChange(phone: BackupPhone, { old, next }: Passwords): void {
  const { password } = phone.agent.encryption
  if (old?.reveal() !== password?.reveal()) throw new BackupError(MB.password, 'Invalid password')
  if (next !== undefined) return
  if (old === undefined) throw new BackupError(MB.internal, 'No password given')
  if (!phone.condition.state.requiresEncryption) return
  const inner = new BackupError(MB.forbidden, 'Encryption is required by device management')
  throw new BackupError(MB.internal, 'Error setting WillEncrypt value', { inner })
}

/** The newest Manifest.plist gets a key bag under the new password, if the old one opens it: no file need be encrypted anew. */
async function rewrapBackup(
  phone: BackupPhone,
  drive: HostDrive,
  passwords: Passwords,
  options: WaitOptions,
): Promise<void> {
  for (const folder of [`${phone.udid}/Snapshot`, phone.udid]) {
    const path = `${folder}/Manifest.plist`
    const bytes = await downloadSmall({ drive, ...options }, path)
    if (bytes === undefined) continue
    const rewrapped = await rewrap(phone, bytes, passwords)
    if (rewrapped !== undefined) await drive.uploadBytes(path, rewrapped, options)
    return
  }
}

/** Undefined for a backup that does not follow: unencrypted, under another password, unreadable, or encryption was switched. */
async function rewrap(
  phone: BackupPhone,
  bytes: Uint8Array,
  { old, next }: Passwords,
): Promise<Uint8Array | undefined> {
  if (old === undefined || next === undefined) return undefined
  const { encryption } = phone.agent
  try {
    const locked = parseManifestPlist(bytes)
    const bag = locked && (await encryption.openKeyBag(locked.keyBag, old))
    return bag && withKeyBag(bytes, (await bag.withPassword(next, encryption.iterations)).bytes)
  } catch (error) {
    if (error instanceof BackupError) return undefined
    throw error
  }
}
