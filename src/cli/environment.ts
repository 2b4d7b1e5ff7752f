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
  /** Where usbmuxd listens, in any of the forms that are in use. */
  readonly muxAddress: string | undefined
  /** Pair records, the station's name and what interrupted runs left to go on from. */
  readonly stateFolder: string
  readonly hostname: string
  readonly pid: number
  /** True under `npm start` and `npx`, which do not pass signals on to what they started. */
  readonly isUnderNpm: boolean
}

export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const password = env.RESTIC_PASSWORD || undefined
  return {
    repository: env.RESTIC_REPOSITORY,
    repositoryFile: env.RESTIC_REPOSITORY_FILE,
    password: password === undefined ? undefined : new Secret(password),
    passwordFile: env.RESTIC_PASSWORD_FILE,
    passwordCommand: env.RESTIC_PASSWORD_COMMAND,
    muxAddress: env.USBMUXD_SOCKET_ADDRESS,
    stateFolder: env.PHONEKEEP_STATE ?? join(env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'phonekeep'),
    hostname: hostname(),
    pid: process.pid,
    isUnderNpm: env.npm_command !== undefined,
  }
}
