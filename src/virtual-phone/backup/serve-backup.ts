import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { Secret } from '../../base/secret.ts'
import { arrayOf, boolOf, dictOf, numberOf, type PlistDict, PlistReal, textOf } from '../../plist/index.ts'
import { secondsSince2001 } from '../apple-time.ts'
import type { Place } from '../contents/index.ts'
import type { Trait } from '../personality/index.ts'
import { BackupError, MB } from './backup-error.ts'
import { BACKUP_DOMAIN, type BackupPhone } from './backup-phone.ts'
import { changePassword } from './change-password.ts'
import { DeviceLink, HostLeft } from './device-link.ts'
import { backUp } from './engine.ts'
import { extractFile, unback } from './extraction.ts'
import { HostDrive } from './host-drive.ts'
import { describeBackup, listBackup, type Source } from './inspection.ts'
import { mischiefOf } from './mischief.ts'
import { restartSoon, serveRestore } from './restore/index.ts'

const PROTOCOL_VERSIONS = [2.1, 2.0] as const

/**
 * The phone's side of com.apple.mobilebackup2 for one connection: resolves when the host has disconnected or hung up, or when a
 * phone would hang up by itself (a request for another phone). The caller owns the channel and closes it then.
 * Rejects with `wire.bad-frame` or a plist error when the host breaks the protocol. Abort: rejects, the channel is destroyed.
 * Source: docs/protocol/mobilebackup2.md
 */
export async function serveBackup(channel: ByteChannel, phone: BackupPhone, { signal }: WaitOptions): Promise<void> {
  const link = new DeviceLink(channel)
  try {
    await exchangeVersions(link, phone, { signal })
    await serveRequests(link, phone, { signal })
  } catch (error) {
    if (!(error instanceof HostLeft) && !isAppError(error, 'wire.closed')) throw error
  }
}

async function exchangeVersions(link: DeviceLink, { traits }: BackupPhone, options: WaitOptions): Promise<void> {
  const own = traits.has('device-link-400') ? 400 : 300
  await link.send(['DLMessageVersionExchange', own, 0], options)
  const [name, verdict, theirs] = await link.receive(options)
  const isAccepted = verdict === 'DLVersionsOk' || verdict === 'DLErrorAcceptingDeviceLinkGreater'
  if (name !== 'DLMessageVersionExchange' || !isAccepted) throw new HostLeft('The host refused the version')
  link.version = Math.min(own, numberOf(theirs) ?? own)
  await link.send(['DLMessageDeviceReady'], options)
}

async function serveRequests(link: DeviceLink, phone: BackupPhone, options: WaitOptions): Promise<void> {
  for (;;) {
    const [name, body] = await link.receive(options)
    const request = dictOf(body)
    if (name !== 'DLMessageProcessMessage' || request === undefined) return link.refuse(name, options)
    const session: Session = { link, drive: new HostDrive(link), phone, request, restarts: false }
    const response = await answer(session, options)
    await link.send(['DLMessageProcessMessage', { MessageName: 'Response', ...response }], options)
    if (session.restarts) return restartSoon(link, phone, options)
  }
}

/** One request. */
interface Session {
  readonly link: DeviceLink
  readonly drive: HostDrive
  readonly phone: BackupPhone
  readonly request: PlistDict
  /** After the response, that is. */
  restarts: boolean
}

/** The keys of the Response. A failure of the backup is an answer, a failure of the connection is not. */
async function answer(session: Session, options: WaitOptions): Promise<PlistDict> {
  try {
    return { ErrorCode: 0, ...(await perform(session, options)) }
  } catch (error) {
    if (!(error instanceof BackupError)) throw error
    return { ErrorCode: error.code, ErrorDescription: error.describe() }
  }
}

async function perform(session: Session, options: WaitOptions): Promise<PlistDict> {
  const { phone, drive, request } = session
  const name = textOf(request.MessageName)
  if (name === 'Hello') return hello(request)
  if (textOf(request.TargetIdentifier) !== phone.udid) throw new HostLeft('The request is for another phone')
  switch (name) {
    case 'Backup':
      await performBackup(session, options)
      break
    case 'Restore':
      session.restarts = await serveRestore(phone, { drive, request }, options)
      break
    case 'ChangePassword':
      await askPasscode(session, 'passcode-for-password', options)
      await changePassword(phone, { drive, request }, options)
      break
    case 'Info':
      return { Content: await describeBackup(phone, sourceOf(session), options) }
    case 'List':
      return { Content: await listBackup(phone, sourceOf(session), options) }
    case 'Extract':
      await extractFile(phone, lockedSourceOf(session), placeOf(request), options)
      break
    case 'Unback':
      return await unback(phone, lockedSourceOf(session), options)
    case 'Remove':
      throw new BackupError(MB.internal, 'Remove is no longer supported')
    case 'EnableCloudBackup':
      enableCloudBackup(phone, request)
      break
    case 'EraseDevice':
      return erase(phone)
    default:
      return session.link.refuse(`request ${name ?? 'without a name'}`, options)
  }
  return {}
}

function hello(request: PlistDict): PlistDict {
  const offered = (arrayOf(request.SupportedProtocolVersions) ?? []).map(numberOf)
  const version = PROTOCOL_VERSIONS.find((own) => offered.includes(own))
  if (version === undefined) throw new BackupError(MB.internal, 'No common supported protocol version')
  return { ProtocolVersion: new PlistReal(version) }
}

/** Info and List bring no password. */
function sourceOf({ drive, request, phone }: Session): Source {
  return { drive, source: textOf(request.SourceIdentifier) ?? phone.udid, password: undefined }
}

function lockedSourceOf(session: Session): Source {
  const password = textOf(session.request.Password)
  return { ...sourceOf(session), password: password === undefined ? undefined : new Secret(password) }
}

function placeOf(request: PlistDict): Place {
  return { domain: textOf(request.DomainName) ?? '', relativePath: textOf(request.RelativePath) ?? '' }
}

function enableCloudBackup({ condition, lockdown }: BackupPhone, request: PlistDict): void {
  const { hasCloudAccount, isCloudProvisioned, forbidsCloudBackup, isCloudSwitchStuck } = condition.state
  if (!hasCloudAccount) throw new BackupError(MB.internal, 'No account exists')
  if (!isCloudProvisioned) {
    throw new BackupError(MB.internal, 'The primary account is not provisioned for cloud backup')
  }
  const isOn = boolOf(request.CloudBackupState) ?? false
  if (isOn && forbidsCloudBackup) throw new BackupError(MB.forbidden, 'Cloud backup enabling is disabled by MDM')
  if (!isCloudSwitchStuck) lockdown.set(BACKUP_DOMAIN, 'CloudBackupEnabled', isOn)
}

/** There is nobody left to answer. */
function erase(phone: BackupPhone): never {
  if (!phone.condition.state.mayBeErased) throw new BackupError(MB.internal, 'This phone may not be erased')
  phone.onErase()
  throw new HostLeft('The phone erases itself')
}

/** After an error that the host was told of, the phone forgets what it had sent; after a lost connection it does not. */
async function performBackup(session: Session, options: WaitOptions): Promise<void> {
  const { link, drive, phone } = session
  const { agent, faults } = phone
  const mischief = mischiefOf(faults.take('mischief'))
  if (mischief !== undefined) return mischief.play({ link, phone, ...options })
  await askPasscode(session, 'passcode-for-backup', options)
  checkPreconditions(phone)
  try {
    await backUp(phone, drive, options)
  } catch (error) {
    if (error instanceof BackupError) agent.cache = undefined
    throw error
  }
  phone.lockdown.set(BACKUP_DOMAIN, 'LastiTunesBackupTZ', 'GMT')
  phone.lockdown.set(BACKUP_DOMAIN, 'LastiTunesBackupDate', secondsSince2001(phone.clock.nowMs()))
  phone.onBackedUp()
}

const SHEET = 'com.apple.LocalAuthentication.ui'

/** Where this version of iOS asks at all. Nothing is said over the link meanwhile. Source: docs/protocol/mobilebackup2.md#the-passcode */
async function askPasscode({ link, phone }: Session, trait: Trait, options: WaitOptions): Promise<void> {
  const { condition, clock, traits } = phone
  if (condition.state.passcode === undefined || !traits.has(trait)) return
  phone.post(`${SHEET}.presented`)
  try {
    const outcome = await link.quietly((waiting) => condition.passcodeSheet.ask(clock, waiting), options)
    if (outcome !== 'entered') throw new BackupError(MB.locked, 'Device locked')
  } finally {
    phone.post(`${SHEET}.dismissed`)
  }
}

/** What a phone needs to look at its files while they are in use. Ours; reports know only that a full phone cannot. */
const SNAPSHOT_BYTES = 64 * 2 ** 20

function checkPreconditions({ condition, lockdown, agent }: BackupPhone): void {
  const { forbidsBackup, isSetUp, isRestoringFromCloud, requiresEncryption } = condition.state
  if (forbidsBackup) throw new BackupError(MB.forbidden, 'Backup is not allowed by device management')
  if (!isSetUp) throw new BackupError(MB.notSetUp, 'Setup assistant is not finished')
  if (isRestoringFromCloud) throw new BackupError(MB.cloudRestoreRuns, 'An iCloud restore is running')
  const freeBytes = numberOf(lockdown.get('com.apple.disk_usage', 'TotalDataAvailable')) ?? SNAPSHOT_BYTES
  if (freeBytes < SNAPSHOT_BYTES) throw new BackupError(MB.deviceFull, 'Insufficient free disk space on device')
  const mustEncrypt = requiresEncryption || boolOf(lockdown.get(BACKUP_DOMAIN, 'WillEncrypt'))
  if (mustEncrypt && agent.encryption.password === undefined) {
    throw new BackupError(MB.password, 'Backup encryption is required, but this phone has no backup password')
  }
}
