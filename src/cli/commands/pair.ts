import { readIdentity } from '../../device/index.ts'
import { type Context, printResult } from '../context.ts'
import { accessPhones, choosePhone, isPaired, nameOf, pairWith } from '../phones.ts'

/** `phonekeep pair`: makes this computer one that the phone trusts; nothing changes if it is one already. */
export async function pair(udid: string | undefined, { json }: { json?: boolean }, context: Context): Promise<void> {
  const access = accessPhones(context)
  const phone = await choosePhone(access, udid, context)
  const name = nameOf(await readIdentity(phone, context))
  const already = await isPaired(phone, context)
  if (!already) await pairWith(phone, name, access, context)
  printResult(context, {
    json,
    result: { udid: phone.udid, paired: true },
    lines: () => [already ? `${name} is paired already.` : `${name} is paired.`],
  })
}
