import { isAppError } from '../../base/errors.ts'
import { type Phone, phonesOf, readIdentity } from '../../device/index.ts'
import { type Context, printResult } from '../context.ts'
import { accessPhones, isPaired } from '../phones.ts'
import { table } from '../terminal.ts'

/** `phonekeep phones`: what is connected, with what each phone tells a stranger. */
export async function phones({ json }: { json?: boolean }, context: Context): Promise<void> {
  const { mux, store } = accessPhones(context)
  const found = await phonesOf(mux, { store, signal: context.signal })
  const rows = await Promise.all(found.map((phone) => describePhone(phone, context)))
  printResult(context, { json, result: rows, lines: () => linesOf(rows) })
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
    return { udid, name, model, ios, transport, paired: await isPaired(phone, context) }
  } catch (error) {
    context.signal.throwIfAborted()
    if (!isAppError(error)) throw error
    context.terminal.err(`${udid} does not answer: ${error.message}.`)
    return { udid, name: null, model: null, ios: null, transport, paired: false }
  }
}

function linesOf(rows: readonly PhoneRow[]): readonly string[] {
  if (rows.length === 0) return ['No phone is connected. Connect one with a cable and unlock it.']
  const cells = rows.map(({ udid, name, model, ios, transport, paired }) => [
    udid,
    name ?? '–',
    model ?? '–',
    ios ?? '–',
    transport,
    paired ? 'yes' : 'no',
  ])
  return table([['UDID', 'Name', 'Model', 'iOS', 'Via', 'Paired'], ...cells])
}
