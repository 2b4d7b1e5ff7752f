import { type RestartOutcome, restartPhone } from '../../device/index.ts'
import { askConsent } from '../consent.ts'
import { type Context, printResult } from '../context.ts'
import { accessPhones, choosePhone, introduce, nameOf } from '../phones.ts'
import { formatDuration } from '../words.ts'

/** `phonekeep restart`: restarts a phone, once somebody agreed, and says when it is back. */
export async function restart(
  udid: string | undefined,
  { yes, json }: { yes?: boolean; json?: boolean },
  context: Context,
): Promise<void> {
  const { clock, signal, terminal } = context
  const access = accessPhones(context)
  const phone = await choosePhone(access, udid, context)
  const name = nameOf(await introduce(phone, access, context))
  terminal.err(`After a restart, ${name} cannot be backed up before somebody has unlocked it once.`)
  await askConsent(`Restart ${name}?`, { yes, signal })
  const startedMs = clock.elapsedMs()
  const onAccepted = () => terminal.err(`${name} restarts.`)
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
