import type { Clock } from '../base/clock.ts'
import type { AppError } from '../base/errors.ts'
import type { Environment } from './environment.ts'
import type { Terminal } from './terminal.ts'
import { sentence } from './words.ts'

/** What every command is given. Aborting the signal ends whatever it does; it then rejects with the signal's reason. */
export interface Context {
  readonly environment: Environment
  readonly terminal: Terminal
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Tells of something that is wrong but does not stop the command. */
export function warner({ terminal }: Context): (error: AppError) => void {
  return ({ message, code }) => terminal.err(`Warning: ${sentence(message)} [${code}]`)
}

/** Prints a result: one JSON line for scripts, or lines for people. */
export function printResult(
  { terminal }: Context,
  { json, result, lines }: { json: boolean | undefined; result: unknown; lines: () => readonly string[] },
): void {
  if (json) terminal.out(JSON.stringify(result))
  else for (const line of lines()) terminal.tell(line)
}
