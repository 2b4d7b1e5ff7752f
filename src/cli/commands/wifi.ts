import { Argument, type Command } from 'commander'
import { setWifiConnections } from '../../device/index.ts'
import { type Context, printResult } from '../context.ts'
import { JSON_OUTPUT, UDID } from '../options.ts'
import { meetPhone } from '../phones.ts'

export function addWifi(program: Command, context: Context): void {
  program
    .command('wifi')
    .description('let a phone be reached over Wi-Fi, or no longer; the first time by cable')
    .addArgument(new Argument('<state>').choices(['on', 'off']))
    .argument(...UDID)
    .option(...JSON_OUTPUT)
    .action((state, udid, options) => wifi(state, udid, options, context))
}

/** `phonekeep wifi on|off`: lets a phone be reached without a cable, or no longer. */
async function wifi(
  state: 'on' | 'off',
  udid: string | undefined,
  { json }: { json?: boolean },
  context: Context,
): Promise<void> {
  const { phone, name } = await meetPhone(udid, context)
  await setWifiConnections(phone, state === 'on', context)
  printResult(context, { json, result: { udid: phone.udid, wifi: state === 'on' }, lines: () => WORDS[state](name) })
}

const WORDS = {
  on: (name: string) => [
    `${name} can now be reached over Wi-Fi by the computers that it trusts, this one among them.`,
    'It is found when it is awake and on the same network; on its charger it stays awake.',
  ],
  off: (name: string) => [`${name} now answers by cable only, to every computer.`],
}
