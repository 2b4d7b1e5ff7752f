import { getValue, getValues, openSession } from '../../device/index.ts'
import type { Plist } from '../../plist/index.ts'
import { type Context, printResult } from '../context.ts'
import { accessPhones, choosePhone, introduce } from '../phones.ts'
import { plistLines, plistToJson } from '../plist-text.ts'

export interface InfoOptions {
  readonly domain?: string
  readonly key?: string
  readonly json?: boolean
}

/** `phonekeep info`: lockdown's values, all of them, one domain's, or one. */
export async function info(
  udid: string | undefined,
  { domain, key, json }: InfoOptions,
  context: Context,
): Promise<void> {
  const access = accessPhones(context)
  const phone = await choosePhone(access, udid, context)
  await introduce(phone, access, context)
  await using session = await openSession(phone, context)
  const inDomain = domain === undefined ? {} : { domain }
  const value: Plist | undefined =
    key === undefined
      ? await getValues(session.lockdown, inDomain, context)
      : await getValue(session.lockdown, { ...inDomain, key }, context)
  printResult(context, {
    json,
    result: value === undefined ? null : plistToJson(value),
    lines: () => (value === undefined ? ['The phone has no such value.'] : plistLines(value)),
  })
}
