import { isAppError } from '../../base/errors.ts'
import {
  arrayOf,
  bytesOf,
  dateOf,
  decodeKeyedArchive,
  dictOf,
  type Plist,
  type PlistDict,
  parsePlist,
  signedOf,
  textOf,
} from '../../plist/index.ts'
import { type CloudError, errorIn, type Readings } from '../engine.ts'
import { factOf } from './parse.ts'

/** Where a backup keeps it: the place of today, and that of older systems. */
export const MOBILE_BACKUP_PLACES = ['HomeDomain', 'RootDomain'].map((domain) => ({
  domain,
  relativePath: 'Library/Preferences/com.apple.MobileBackup.plist',
}))

/**
 * What a phone has noted of its backups to iCloud, as a backup of it holds that. `takenMs` is when that backup was made: for
 * whatever has no date of its own. Source: docs/protocol/doctor.md#in-a-backup
 */
export function factsOfMobileBackup(plist: PlistDict, takenMs: number): Readings {
  const looked = { kind: 'known', value: plist, atMs: takenMs } as const
  const restore = { kind: 'known', value: dictOf(plist.RestoreInfo) ?? {}, atMs: takenMs } as const
  const errors = [...stateErrors(plist, takenMs), ...conditionErrors(plist)].toSorted(
    (left, right) => right.atMs - left.atMs,
  )
  return {
    cloudSwitchedOnMs: factOf(looked, { key: 'AccountEnabledDate', parse: parseTime, source: 'backup' }),
    restoredMs: factOf(restore, { key: 'RestoreDate', parse: parseTime, source: 'backup' }),
    cloudErrors: { kind: 'known', value: errors.slice(0, ERRORS_MAX), source: 'backup', atMs: takenMs },
  }
}

const ERRORS_MAX = 20

function parseTime(value: Plist): number | undefined {
  const ms = dateOf(value)?.getTime()
  return ms === undefined || Number.isNaN(ms) ? undefined : ms
}

/** The errors of the last attempt, when it was one to iCloud. */
function stateErrors({ BackupStateInfo }: PlistDict, takenMs: number): readonly CloudError[] {
  const state = dictOf(BackupStateInfo) ?? {}
  if (state.isCloud === false) return []
  const atMs = parseTime(state.date ?? '') ?? takenMs
  const found = (arrayOf(state.errors) ?? []).flatMap((error) => errorsIn(error, 0))
  return found.map((error) => ({ ...error, atMs }))
}

type ErrorName = Omit<CloudError, 'atMs'>

const DEPTH_MAX = 4

/** An error, or those that it only sums up: a dictionary, an archived NSError, or a text with both in it. Others are skipped. */
function errorsIn(value: Plist, depth: number): readonly ErrorName[] {
  if (depth > DEPTH_MAX) return []
  const text = textOf(value)
  if (text !== undefined) return listOf(errorIn(text))
  const bytes = bytesOf(value)
  if (bytes !== undefined) return errorsIn(unarchive(bytes) ?? '', depth + 1)
  const error = dictOf(value) ?? {}
  const domain = textOf(error.Domain) ?? textOf(error.NSDomain)
  const code = signedOf(error.Code) ?? signedOf(error.NSCode)
  const inside = dictOf(error.UserInfo) ?? dictOf(error.NSUserInfo) ?? {}
  const below = [...(arrayOf(inside.kMBUnderlyingErrorsKey) ?? []), ...listOf(inside.NSUnderlyingError)]
  const own = domain === undefined || code === undefined || !isDomain(domain) ? [] : [{ domain, code }]
  return [...own, ...below.flatMap((error) => errorsIn(error, depth + 1))]
}

function listOf<Item>(value: Item | undefined): readonly Item[] {
  return value === undefined ? [] : [value]
}

function unarchive(bytes: Uint8Array): Plist | undefined {
  try {
    return decodeKeyedArchive(parsePlist(bytes))
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

function isDomain(name: string): boolean {
  return /^\w{1,60}$/.test(name)
}

/** Up to ten texts of fields between bars, each for a time in which the conditions held; 12 and 13 are an error's. */
function conditionErrors({ LastOnConditionEvents }: PlistDict): readonly CloudError[] {
  return (arrayOf(LastOnConditionEvents) ?? []).flatMap((event) => {
    const fields = textOf(event)?.split('|') ?? []
    const [startMs, sinceS, domain = '', code] = [
      Date.parse(fields[0] ?? ''),
      Number(fields[10]),
      fields[12],
      Number(fields[13]),
    ]
    const isError = isDomain(domain) && Number.isInteger(code) && code !== 0 && Number.isFinite(startMs) && sinceS >= 0
    return isError ? [{ domain, code, atMs: startMs - sinceS * 1000 }] : []
  })
}
