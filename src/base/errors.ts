/**
 * Something a person or the world must put right. Every room declares its own codes (`src/<room>/errors.ts`); the command
 * line maps each to an exit code, and `docs/errors.md` explains each in a paragraph.
 *
 * - `code`: stable, `room.what`, for scripts and for looking it up.
 * - `message`: one sentence about what was seen.
 * - `remedy`: one sentence in the reader's words about what to do.
 */
export class AppError<Code extends string = string> extends Error {
  override readonly name = 'AppError'
  readonly code: Code
  readonly remedy: string

  constructor(code: Code, message: string, { remedy, cause }: { remedy: string; cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.remedy = remedy
  }
}

/** True when the error is an `AppError`, with the given code if one is named. */
export function isAppError(error: unknown, code?: string): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code)
}

/** True for errors of the operating system (`ENOENT`, `ENOSPC`, …), with the given code if one is named. */
export function isSystemError(error: unknown, code?: string): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || error instanceof AppError || !('code' in error) || typeof error.code !== 'string')
    return false
  return code === undefined || error.code === code
}
