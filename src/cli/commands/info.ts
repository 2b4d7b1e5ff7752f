import type { Command } from 'commander'
import { getValue, getValues, openSession } from '../../device/index.ts'
import type { Plist } from '../../plist/index.ts'
import { type Context, printResult } from '../context.ts'
import { JSON_OUTPUT, UDID } from '../options.ts'
import { meetPhone } from '../phones.ts'
import { plistLines, plistToJson } from '../plist-text.ts'

export function addInfo(program: Command, context: Context): void {
  program
    .command('info')
    .description('show what a phone says of itself')
    .argument(...UDID)
    .option('--domain <domain>', 'the values of one domain, such as com.apple.mobile.battery')
    .option('--key <key>', 'one value')
    .option(...JSON_OUTPUT)
    .action((udid, options) => info(udid, options, context))
}

export interface InfoOptions {
  readonly domain?: string
  readonly key?: string
  readonly json?: boolean
}

/** `phonekeep info`: lockdown's values, all of them, one domain's, or one. */
async function info(udid: string | undefined, { domain, key, json }: InfoOptions, context: Context): Promise<void> {
  const { phone } = await meetPhone(udid, context)
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
