import { createInterface } from 'node:readline/promises'
import { AppError } from '../base/errors.ts'
import { type CliErrorCode, interrupted } from './errors.ts'
import { wrapped } from './words.ts'

/**
 * Has a person agree, on the terminal, to what cannot be undone or disturbs; `yes` is the agreement given beforehand.
 * Throws `cli.not-agreed` when nobody can be asked or the answer is anything but yes.
 */
export async function askConsent(
  question: string,
  { yes = false, signal }: { yes?: boolean | undefined; signal: AbortSignal },
): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY) throw notAgreed('Nobody can be asked whether to go on')
  const columns = process.stderr.columns || Number.POSITIVE_INFINITY
  const answer = await askLine(`${wrapped(`${question} [y/N]`, columns).join('\n')} `, signal)
  if (!/^y(es)?$/i.test(answer.trim())) throw notAgreed('It was not agreed to')
}

/** Asks for a line, which may be seen. Throws `cli.interrupted` on Ctrl-C. */
export async function askLine(question: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const ctrlC = new AbortController()
  lines.on('SIGINT', () => ctrlC.abort())
  // Ctrl-Z has no effect: readline does not read on after it.
  lines.on('SIGTSTP', () => undefined)
  try {
    return await lines.question(question, { signal: AbortSignal.any([signal, ctrlC.signal]) })
  } catch {
    throw interrupted()
  } finally {
    lines.close()
  }
}

function notAgreed(saw: string): AppError<CliErrorCode> {
  return new AppError('cli.not-agreed', saw, { remedy: 'Nothing was changed; answer "y", or give --yes, to go on' })
}
