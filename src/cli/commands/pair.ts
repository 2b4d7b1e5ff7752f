import type { Command } from 'commander'
import { isAppError } from '../../base/errors.ts'
import { type Phone, readIdentity, readWifiConnections } from '../../device/index.ts'
import { type Context, printResult } from '../context.ts'
import { JSON_OUTPUT, UDID } from '../options.ts'
import { accessPhones, choosePhone, nameOf, pairWith, sessionObstacle, UNPAIRED } from '../phones.ts'

export function addPair(program: Command, context: Context): void {
  program
    .command('pair')
    .description('pair with a phone and wait for "Trust"')
    .argument(...UDID)
    .option(...JSON_OUTPUT)
    .action((udid, options) => pair(udid, options, context))
}

/**
 * `phonekeep pair`: makes this computer one that the phone trusts; nothing changes if it is one already. Somebody at the
 * cable may also say so of a phone that shows another certificate than before: it is then known by the new one.
 */
async function pair(udid: string | undefined, { json }: { json?: boolean }, context: Context): Promise<void> {
  const access = accessPhones(context)
  const phone = await choosePhone(access, udid, context)
  const name = nameOf(await readIdentity(phone, context))
  const code = (await sessionObstacle(phone, context))?.code ?? ''
  const already = !UNPAIRED.has(code) && code !== 'device.wrong-certificate'
  if (!already) await pairWith(phone, name, access, context)
  const wifi = await isOnWifi(phone, context)
  printResult(context, {
    json,
    result: { udid: phone.udid, paired: true, wifi: wifi ?? null },
    lines: () => [
      already ? `${name} is paired already.` : `${name} is paired.`,
      ...(wifi === false
        ? ['Its Wi-Fi connections are off: "phonekeep wifi on" lets it be backed up without a cable.']
        : []),
    ],
  })
}

/** Undefined when the phone cannot tell now: it is locked, say. */
async function isOnWifi(phone: Phone, { signal }: Context): Promise<boolean | undefined> {
  try {
    return await readWifiConnections(phone, { signal })
  } catch (error) {
    signal.throwIfAborted()
    if (!isAppError(error)) throw error
    return undefined
  }
}
