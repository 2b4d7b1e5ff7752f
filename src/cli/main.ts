import { constants } from 'node:os'
import { CommanderError } from 'commander'
import { lookEvery, systemClock } from '../base/clock.ts'
import { AppError, isSystemError } from '../base/errors.ts'
import { readEnvironment } from './environment.ts'
import { interrupted, systemRefused } from './errors.ts'
import { exitCodeOf, UNEXPECTED_EXIT } from './outcomes.ts'
import { createProgram } from './program.ts'
import { openTerminal } from './terminal.ts'
import { sentence } from './words.ts'

const abort = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (abort.signal.aborted) process.exit(128 + constants.signals[name])
    abort.abort(interrupted())
  })
}
const environment = readEnvironment()
if (environment.isUnderNpm) stopWithParent()
// Nobody has to listen. A result that cannot be written is a failure, but never one that stops the work or leaves a lock behind.
process.stderr.on('error', () => undefined)
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code !== 'EPIPE') process.exitCode = UNEXPECTED_EXIT
})

const terminal = openTerminal()
const context = { environment, terminal, clock: systemClock, signal: abort.signal }
try {
  await createProgram(context).parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

/** npm's shell ends on a signal without telling its child: a process that lost its parent was told to stop. */
function stopWithParent(): void {
  const parent = process.ppid
  lookEvery(500, () => {
    if (process.ppid !== parent && !abort.signal.aborted) abort.abort(interrupted())
  })
}

/** Tells the person what happened, and gives the exit code. */
function report(error: unknown): number {
  if (isSystemError(error) && error.syscall !== undefined) return report(systemRefused(error, environment.stateFolder))
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodeOf('cli.usage')
  if (error instanceof AppError) {
    terminal.err(sentence(error.message))
    terminal.err(`${sentence(error.remedy)} [${error.code}]`)
    return exitCodeOf(error.code)
  }
  terminal.err(error instanceof Error ? (error.stack ?? error.message) : String(error))
  terminal.err('This is a fault in Phonekeep. Please report it with the lines above.')
  return UNEXPECTED_EXIT
}
