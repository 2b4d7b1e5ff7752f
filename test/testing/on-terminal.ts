import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { COMMAND } from './phonekeep.ts'

/** What a person types once the terminal shows this; it may depend on all that is shown. */
export type Answer = readonly [question: RegExp, typed: string | ((shown: string) => string)]

export interface Typed {
  readonly exitCode: number | null
  /** All that the terminal showed, what it echoed included. */
  readonly shown: string
}

/** Runs the command on a terminal of its own, as a person does, and answers its questions in their order; others `otherwise`. */
export async function onTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  answers: readonly Answer[],
  otherwise?: Answer,
): Promise<Typed> {
  const quoted = [COMMAND, ...args].map((arg) => `'${arg}'`).join(' ')
  const { PATH, NODE_COMPILE_CACHE } = process.env
  const child = spawn('script', ['-qfec', quoted, '/dev/null'], {
    env: { PATH, NODE_COMPILE_CACHE, TERM: 'dumb', HOME: '/nonexistent', PHONEKEEP_WIFI: 'off', ...env },
  })
  const left = [...answers]
  let shown = ''
  let from = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    for (;;) {
      const next = [left[0], otherwise].find((answer) => answer?.[0].test(shown.slice(from)))
      if (next === undefined) break
      from = shown.length
      child.stdin.write(typeof next[1] === 'string' ? next[1] : next[1](shown))
      if (next === left[0]) left.shift()
    }
  })
  const [exitCode] = await once(child, 'close')
  return { exitCode, shown }
}
