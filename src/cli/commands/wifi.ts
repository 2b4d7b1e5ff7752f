import { setWifiConnections } from '../../device/index.ts'
import { type Context, printResult } from '../context.ts'
import { accessPhones, choosePhone, introduce, nameOf } from '../phones.ts'

/** `phonekeep wifi on|off`: lets a phone be reached without a cable, or no longer. */
export async function wifi(
  state: 'on' | 'off',
  udid: string | undefined,
  { json }: { json?: boolean },
  context: Context,
): Promise<void> {
  const access = accessPhones(context)
  const phone = await choosePhone(access, udid, context)
  const name = nameOf(await introduce(phone, access, context))
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
