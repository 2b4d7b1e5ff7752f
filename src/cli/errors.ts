import { AppError } from '../base/errors.ts'

export type CliErrorCode =
  | 'cli.usage'
  | 'cli.interrupted'
  | 'cli.no-password'
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

/** The operating system refused something outside of the repository: the state folder, a password file, a socket. */
export function systemRefused(cause: NodeJS.ErrnoException): AppError<CliErrorCode> {
  return new AppError('cli.system', `The operating system refused: ${cause.message}`, {
    remedy: 'Look at the owner, the mode and the room of what is named there; PHONEKEEP_STATE moves the state folder',
    cause,
  })
}
