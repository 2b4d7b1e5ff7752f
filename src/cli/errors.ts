import { resolve } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import { AppError } from '../base/errors.ts'

export type CliErrorCode =
  | 'cli.usage'
  | 'cli.interrupted'
  | 'cli.no-password'
  | 'cli.no-space'
  | 'cli.no-repository'
  | 'cli.no-phone'
  | 'cli.several-phones'
  | 'cli.check-failed'
  | 'cli.not-agreed'
  | 'cli.encryption-is-off'
  | 'cli.encryption-is-on'
  | 'cli.not-settled'
  | 'cli.recovery-key-exists'
  | 'cli.restore-incomplete'
  | 'cli.recovery-words'
  | 'cli.system'
  | 'cli.words-not-repeated'

/** The command was called in a way that makes no sense. */
export function badUsage(saw: string, remedy: string): AppError<CliErrorCode> {
  return new AppError('cli.usage', saw, { remedy })
}

/** The person pressed Ctrl-C or asked the process to stop. */
export function interrupted(): AppError<CliErrorCode> {
  return new AppError('cli.interrupted', 'Stopped before the end', {
    remedy: 'Start it again when you like: a backup goes on from what it has stored',
  })
}

export function noPhone(udid: string | undefined): AppError<CliErrorCode> {
  const saw = udid === undefined ? 'No phone is connected' : `No phone with the UDID ${udid} is connected`
  return new AppError('cli.no-phone', saw, {
    remedy: 'Connect it with a cable and unlock it; "phonekeep phones" lists what is there',
  })
}

export function severalPhones(udids: readonly string[]): AppError<CliErrorCode> {
  return new AppError('cli.several-phones', `Several phones are connected: ${udids.join(', ')}`, {
    remedy: 'Name the one you mean by its UDID; "phonekeep phones" tells which is whose',
  })
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** The operating system refused something outside of the repository: the state folder, a password file, a socket. */
export function systemRefused(cause: NodeJS.ErrnoException, stateFolder: string): AppError<CliErrorCode> {
  const { code = '', path, message } = cause
  const isState = path !== undefined && (isWithin(path, stateFolder) || isWithin(stateFolder, path))
  const place = isState ? `the state folder ${stateFolder}` : path
  const detail = isState && path !== stateFolder ? ` (${path})` : ''
  const move = isState ? ', or name another state folder with PHONEKEEP_STATE' : ''
  if (FULL.has(code)) {
    return new AppError('cli.no-space', `There is no room left for ${place ?? 'a file'} (${code})`, {
      remedy: `Free some room on that disk or raise the quota${move}`,
      cause,
    })
  }
  const saw = place === undefined ? `: ${message}` : ` ${place}${detail}: ${wordsOf(cause)}`
  return new AppError('cli.system', `The operating system refused${saw}`, {
    remedy: `See that this user may read and write what is named there${move}`,
    cause,
  })
}

/** `read-only file system (EROFS)` */
function wordsOf({ code, errno, message }: NodeJS.ErrnoException): string {
  return errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`
}

function isWithin(path: string, folder: string): boolean {
  return `${resolve(path)}/`.startsWith(`${resolve(folder)}/`)
}
