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
  /** The repository that a copy is made from. */
  readonly from: Pick<Environment, 'repository' | 'repositoryFile' | 'password' | 'passwordFile' | 'passwordCommand'>
  /** The password that the phone encrypts its backups with. */
  readonly backupPassword: Secret | undefined
  /** The one that it shall encrypt them with from now on, when it has another one. */
  readonly newBackupPassword: Secret | undefined
  /** The access key of an S3-compatible store, and how to speak to it; the names are Amazon's. */
  readonly s3: {
    readonly accessKeyId: Secret | undefined
    readonly secretAccessKey: Secret | undefined
    readonly sessionToken: Secret | undefined
    readonly region: string | undefined
    /** `path` or `host`: where in an address the bucket stands. */
    readonly bucketStyle: string | undefined
  }
  /** The login to a REST server. */
  readonly rest: { readonly username: string | undefined; readonly password: Secret | undefined }
  /** Where usbmuxd listens, in any of the forms that are in use. */
  readonly muxAddress: string | undefined
  /** Apple's System Status and its newest systems, where they are asked for somewhere else, or not: `off`. */
  readonly appleFeeds: {
    readonly status: string | undefined
    readonly updates: string | undefined
    /** A file with Apple's root certificate, where that cannot be fetched. */
    readonly rootFile: string | undefined
  }
  /** What the person speaks, such as `de_DE.UTF-8`. */
  readonly language: string | undefined
  /** Nothing shall be printed in colour. */
  readonly noColor: boolean
  /** Where to look for phones on Wi-Fi: `on`, `off`, or one network's address and port, such as `127.0.0.1:15353`. */
  readonly wifi: string
  /** Pair records, the station's name and what interrupted runs left to go on from. */
  readonly stateFolder: string
  /** Copies of the metadata of repositories that are on servers; may be deleted. */
  readonly cacheFolder: string
  readonly hostname: string
  readonly pid: number
  /** True under `npm start` and `npx`, which do not pass signals on to what they started. */
  readonly isUnderNpm: boolean
}

/** A variable that is set to nothing counts as not set. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const given = (name: string) => env[name] || undefined
  const secret = (name: string) => (env[name] ? new Secret(env[name]) : undefined)
  const cacheHome = given('XDG_CACHE_HOME') ?? join(homedir(), '.cache')
  const stateHome = given('XDG_STATE_HOME') ?? join(homedir(), '.local', 'state')
  return {
    repository: given('RESTIC_REPOSITORY'),
    repositoryFile: given('RESTIC_REPOSITORY_FILE'),
    password: secret('RESTIC_PASSWORD'),
    passwordFile: given('RESTIC_PASSWORD_FILE'),
    passwordCommand: given('RESTIC_PASSWORD_COMMAND'),
    from: {
      repository: given('RESTIC_FROM_REPOSITORY'),
      repositoryFile: given('RESTIC_FROM_REPOSITORY_FILE'),
      password: secret('RESTIC_FROM_PASSWORD'),
      passwordFile: given('RESTIC_FROM_PASSWORD_FILE'),
      passwordCommand: given('RESTIC_FROM_PASSWORD_COMMAND'),
    },
    backupPassword: secret('PHONEKEEP_BACKUP_PASSWORD'),
    newBackupPassword: secret('PHONEKEEP_NEW_BACKUP_PASSWORD'),
    s3: {
      accessKeyId: secret('AWS_ACCESS_KEY_ID'),
      secretAccessKey: secret('AWS_SECRET_ACCESS_KEY'),
      sessionToken: secret('AWS_SESSION_TOKEN'),
      region: given('AWS_DEFAULT_REGION'),
      bucketStyle: given('PHONEKEEP_S3_BUCKET_STYLE'),
    },
    rest: { username: given('RESTIC_REST_USERNAME'), password: secret('RESTIC_REST_PASSWORD') },
    muxAddress: given('USBMUXD_SOCKET_ADDRESS'),
    appleFeeds: {
      status: given('PHONEKEEP_APPLE_STATUS_URL'),
      updates: given('PHONEKEEP_APPLE_UPDATES_URL'),
      rootFile: given('PHONEKEEP_APPLE_ROOT'),
    },
    language: given('LC_ALL') ?? given('LC_MESSAGES') ?? given('LANG'),
    noColor: given('NO_COLOR') !== undefined,
    wifi: given('PHONEKEEP_WIFI') ?? 'on',
    stateFolder: given('PHONEKEEP_STATE') ?? join(stateHome, 'phonekeep'),
    cacheFolder: given('PHONEKEEP_CACHE') ?? join(cacheHome, 'phonekeep'),
    hostname: hostname(),
    pid: process.pid,
    isUnderNpm: given('npm_command') !== undefined,
  }
}
