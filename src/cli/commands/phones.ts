import type { Command } from 'commander'
import { isAppError } from '../../base/errors.ts'
import {
  formatWifiAddress,
  lookForPhones,
  type Phone,
  type PhonesFound,
  readIdentity,
  throwObstacle,
} from '../../device/index.ts'
import { type Context, printResult, warner } from '../context.ts'
import { JSON_OUTPUT } from '../options.ts'
import { accessPhones, isPairedBut, NAME_CELLS_MAX, sessionObstacle, tellProblems } from '../phones.ts'
import { table } from '../terminal.ts'
import { countOf, plainText, sentence, shortened } from '../words.ts'

export function addPhones(program: Command, context: Context): void {
  program
    .command('phones')
    .description('list the phones that are connected')
    .option(...JSON_OUTPUT)
    .action((options) => phones(options, context))
}

/** `phonekeep phones`: what is connected, by cable and by Wi-Fi, with what each phone tells a stranger; and what is in the way of others. */
async function phones({ json }: { json?: boolean }, context: Context): Promise<void> {
  const { mux, ...where } = accessPhones(context)
  const found = await lookForPhones(mux, { ...where, signal: context.signal })
  tellProblems(found, context)
  tellRefused(found, context)
  if (found.refused.length === 0) throwObstacle(found)
  const rows = await Promise.all(found.phones.map((phone) => describePhone(phone, context)))
  printResult(context, { json, result: rows, lines: () => linesOf(rows) })
}

function tellRefused({ refused, ignored }: PhonesFound, { terminal }: Context): void {
  for (const { udid, address, error } of refused) {
    terminal.err(`${udid} at ${formatWifiAddress(address)} cannot be used: ${sentence(error.message)}`)
    terminal.err(`${sentence(error.remedy)} [${error.code}]`)
  }
  if (ignored > 0)
    terminal.err(`On the Wi-Fi: ${countOf(ignored, 'other phone')} that this computer is not paired with.`)
}

interface PhoneRow {
  readonly udid: string
  readonly name: string | null
  readonly model: string | null
  readonly ios: string | null
  readonly transport: 'usb' | 'wifi'
  readonly paired: boolean
}

/** A phone that was unplugged meanwhile is still listed, with what is known of it. */
async function describePhone(phone: Phone, context: Context): Promise<PhoneRow> {
  const { udid, transport } = phone
  try {
    const { name = null, model = null, ios = null } = await readIdentity(phone, context)
    const obstacle = await sessionObstacle(phone, context)
    const paired = isPairedBut(obstacle)
    if (paired && obstacle !== undefined) warner(context)(obstacle)
    return { udid, name, model, ios, transport, paired }
  } catch (error) {
    context.signal.throwIfAborted()
    if (!isAppError(error)) throw error
    context.terminal.err(`${udid} does not answer: ${sentence(error.message)}`)
    return { udid, name: null, model: null, ios: null, transport, paired: false }
  }
}

function linesOf(rows: readonly PhoneRow[]): readonly string[] {
  if (rows.length === 0)
    return ['No phone is connected. Connect one with a cable and unlock it, or wake one on the Wi-Fi.']
  const cells = rows.map(({ udid, name, model, ios, transport, paired }) => [
    udid,
    shortened(plainText(name ?? '–'), NAME_CELLS_MAX),
    model ?? '–',
    ios ?? '–',
    transport,
    paired ? 'yes' : 'no',
  ])
  return table([['UDID', 'Name', 'Model', 'iOS', 'Via', 'Paired'], ...cells])
}
