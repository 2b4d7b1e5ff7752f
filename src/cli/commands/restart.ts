import type { Command } from 'commander'
import { type RestartOutcome, restartPhone } from '../../device/index.ts'
import { askConsent } from '../consent.ts'
import { type Context, printResult } from '../context.ts'
import { JSON_OUTPUT, UDID } from '../options.ts'
import { meetPhone } from '../phones.ts'
import { formatDuration } from '../words.ts'

export function addRestart(program: Command, context: Context): void {
  program
    .command('restart')
    .description('restart a phone')
    .argument(...UDID)
    .option('--yes', 'do not ask')
    .option(...JSON_OUTPUT)
    .action((udid, options) => restart(udid, options, context))
}

/** `phonekeep restart`: restarts a phone, once somebody agreed, and says when it is back. */
async function restart(
  udid: string | undefined,
  { yes, json }: { yes?: boolean; json?: boolean },
  context: Context,
): Promise<void> {
  const { clock, signal, terminal } = context
  const { phone, name, access } = await meetPhone(udid, context)
  terminal.err(`After a restart, ${name} cannot be backed up before somebody has unlocked it once.`)
  await askConsent(`Restart ${name}?`, { yes, signal })
  const startedMs = clock.elapsedMs()
  const onAccepted = () => terminal.err(`${name} restarts, which takes a minute or two.`)
  const outcome = await restartPhone(phone, { mux: access.mux, onAccepted, signal })
  const tookMs = clock.elapsedMs() - startedMs
  printResult(context, {
    json,
    result: { udid: phone.udid, restarted: true, back: outcome === 'back', ms: Math.round(tookMs) },
    lines: () => [WORDS[outcome](name, tookMs)],
  })
}

const WORDS: { readonly [Outcome in RestartOutcome]: (name: string, tookMs: number) => string } = {
  back: (name, tookMs) => `${name} is back after ${formatDuration(tookMs)}. Unlock it once.`,
  'not-back': (name, tookMs) => `${name} has not been seen again for ${formatDuration(tookMs)}: look at its screen.`,
  unwatched: (name) => `${name} restarts. Unlock it once; before that it is not seen on the Wi-Fi.`,
}
