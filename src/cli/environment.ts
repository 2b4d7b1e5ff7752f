import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { Secret } from '../base/secret.ts'

/** What the command line takes from its surroundings, read once. The names are restic's and libimobiledevice's where they have one. */
export interface Environment {
  readonly repository: string | undefined
  readonly repositoryFile: string | undefined
  readonly password: Secret | undefined
  readonly passwordFile: string | undefined
  readonly passwordCommand: string | undefined
  /** The password that the phone encrypts its backups with. */
  readonly backupPassword: Secret | undefined
  /** The one that it shall encrypt them with from now on, when it has another one. */
  readonly newBackupPassword: Secret | undefined
  /** Where usbmuxd listens, in any of the forms that are in use. */
  readonly muxAddress: string | undefined
  /** Where to look for phones on Wi-Fi: `on`, `off`, or one network's address and port, such as `127.0.0.1:15353`. */
  readonly wifi: string
  /** Pair records, the station's name and what interrupted runs left to go on from. */
  readonly stateFolder: string
  readonly hostname: string
  readonly pid: number
  /** True under `npm start` and `npx`, which do not pass signals on to what they started. */
  readonly isUnderNpm: boolean
}

/** A variable that is set to nothing counts as not set. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const given = (name: string) => env[name] || undefined
  const secret = (name: string) => (env[name] ? new Secret(env[name]) : undefined)
  const stateHome = given('XDG_STATE_HOME') ?? join(homedir(), '.local', 'state')
  return {
    repository: given('RESTIC_REPOSITORY'),
    repositoryFile: given('RESTIC_REPOSITORY_FILE'),
    password: secret('RESTIC_PASSWORD'),
    passwordFile: given('RESTIC_PASSWORD_FILE'),
    passwordCommand: given('RESTIC_PASSWORD_COMMAND'),
    backupPassword: secret('PHONEKEEP_BACKUP_PASSWORD'),
    newBackupPassword: secret('PHONEKEEP_NEW_BACKUP_PASSWORD'),
    muxAddress: given('USBMUXD_SOCKET_ADDRESS'),
    wifi: given('PHONEKEEP_WIFI') ?? 'on',
    stateFolder: given('PHONEKEEP_STATE') ?? join(stateHome, 'phonekeep'),
    hostname: hostname(),
    pid: process.pid,
    isUnderNpm: given('npm_command') !== undefined,
  }
}
