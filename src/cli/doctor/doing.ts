import type { BackupEvent } from '../../device/index.ts'
import { type ActionId, type ActionReport, act, type Message, type Speaker } from '../../doctor/index.ts'
import type { Context } from '../context.ts'
import { backUpOne } from '../one-run.ts'
import { accessPhones } from '../phones.ts'
import { openNamedRepository } from '../repositories.ts'
import type { LookingOptions } from './looking.ts'
import type { Patient } from './patients.ts'
import { lastAllowance } from './run-notes.ts'

export interface DoingOptions {
  /** What the person has said yes to. */
  readonly consent: string
  readonly looking: LookingOptions
  readonly speaker: Speaker
  readonly say: (lines: readonly string[]) => void
}

/** Does one of the things that we can do ourselves, and tells what a second look showed. */
export async function doIt(
  action: ActionId,
  { udid, phone }: Patient,
  { consent, looking, speaker, say }: DoingOptions,
  context: Context,
): Promise<ActionReport> {
  if (typeof phone === 'string') throw new Error(`There is no phone to ${action}`)
  const report = await act(action, {
    phone,
    mux: accessPhones(context).mux,
    consent,
    backUp: () => backUpHere(udid, looking, context),
    onEvent: (event) => say(waitingMessages(event).map(speaker.say)),
    onRestart: () => say([speaker.say({ key: 'act.restarting' })]),
    signal: context.signal,
  })
  const { outcome, error } = report
  const key = isCutOff(report) ? 'act.cut-off' : `act.${outcome}`
  say([speaker.say({ key, values: { code: error?.code ?? '' } })])
  return report
}

/** The phone was gone, or fell silent, before it was done. */
export function isCutOff({ error }: ActionReport): boolean {
  return error !== undefined && CUT_OFF.has(error.code)
}

const CUT_OFF: ReadonlySet<string> = new Set([
  'device.gone',
  'device.not-answering',
  'device.asleep',
  'device.heartbeat-lost',
])

/** What the phone waits for, or what takes it so long; nothing for other events. */
function waitingMessages({ kind }: BackupEvent): readonly Message[] {
  switch (kind) {
    case 'passcode-asked':
    case 'passcode-likely':
    case 'cancel-asked':
    case 'quiet':
      return [{ key: `waiting.${kind}` }]
    default:
      return []
  }
}

async function backUpHere(udid: string | undefined, looking: LookingOptions, context: Context): Promise<void> {
  const repository = await openNamedRepository(looking, context, { cached: true })
  const allowanceBytes = udid === undefined ? undefined : await lastAllowance(udid, context)
  await backUpOne(repository, { udid, allowanceBytes, readBackBytes: 0 }, context)
}
