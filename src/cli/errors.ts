import { AppError } from '../base/errors.ts'

export type CliErrorCode =
  | 'cli.usage'
  | 'cli.interrupted'
  | 'cli.no-password'
  | 'cli.no-repository'
  | 'cli.no-phone'
  | 'cli.several-phones'
  | 'cli.check-failed'

/** The command was called in a way that makes no sense. */
export function badUsage(saw: string, remedy: string): AppError<CliErrorCode> {
  return new AppError('cli.usage', saw, { remedy })
}

/** The person pressed Ctrl-C or asked the process to stop. */
export function interrupted(): AppError<CliErrorCode> {
  return new AppError('cli.interrupted', 'Stopped before the end', {
    remedy: 'Start it again when you like: what was stored so far is kept and used',
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
    remedy: 'Name the one you mean by its UDID',
  })
}
