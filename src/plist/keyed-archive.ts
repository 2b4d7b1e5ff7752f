import { dateFromCocoa } from './cocoa-date.ts'
import { malformed } from './errors.ts'
import { Budget, limitsWith, type PlistLimits } from './limits.ts'
import {
  arrayOf,
  bytesOf,
  dictOf,
  isPlistArray,
  numberOf,
  type Plist,
  type PlistDict,
  PlistUid,
  textOf,
  uidOf,
} from './value.ts'

/** The archived objects, which of them are being resolved (outermost first), and what may still be spent. */
interface Unarchiving {
  readonly objects: readonly Plist[]
  readonly path: number[]
  readonly budget: Budget
}

/**
 * The root object of a keyed archive (NSKeyedArchiver), with every reference replaced by what it stands for. Objects of
 * Foundation's data, text, date and collection classes become plain values, all others dictionaries whose `$class` is the
 * name of their class; nil is left out. Shared objects are resolved anew for each reference, within the limits.
 * Throws `plist.malformed` (also for objects that contain themselves) and `plist.too-big`.
 * Source: docs/protocol/property-lists.md#keyed-archives
 */
export function decodeKeyedArchive(archive: Plist, limits: Partial<PlistLimits> = {}): Plist {
  const dict = dictOf(archive)
  const objects = arrayOf(dict?.$objects)
  const root = dictOf(dict?.$top)?.root
  if (dict?.$archiver !== 'NSKeyedArchiver' || objects === undefined || root === undefined) {
    throw malformed('A property list is not a keyed archive with a root')
  }
  const resolved = resolve({ objects, path: [], budget: new Budget(limitsWith(limits)) }, root)
  if (resolved === undefined) throw malformed('The root of a keyed archive is nil')
  return resolved
}

/** Undefined stands for nil. */
function resolve(unarchiving: Unarchiving, value: Plist): Plist | undefined {
  unarchiving.budget.visit()
  if (value instanceof PlistUid) return resolveReference(unarchiving, value.value)
  if (isPlistArray(value)) return resolveArray(unarchiving, value)
  const dict = dictOf(value)
  return dict === undefined ? value : resolveDict(unarchiving, dict)
}

function resolveReference(unarchiving: Unarchiving, uid: number): Plist | undefined {
  if (uid === 0) return undefined
  const { path, budget } = unarchiving
  if (path.includes(uid)) throw malformed(`Archived object ${uid} contains itself`)
  budget.enter()
  path.push(uid)
  const resolved = resolve(unarchiving, objectAt(unarchiving, uid))
  path.pop()
  budget.leave()
  return resolved
}

function objectAt({ objects }: Unarchiving, uid: number): Plist {
  const object = objects[uid]
  if (object === undefined) throw malformed(`A reference to archived object ${uid}, of ${objects.length}`)
  return object
}

function resolveArray(unarchiving: Unarchiving, items: readonly Plist[]): readonly Plist[] {
  unarchiving.budget.enter()
  const resolved = items.map((item) => resolve(unarchiving, item)).filter((item) => item !== undefined)
  unarchiving.budget.leave()
  return resolved
}

function resolveDict(unarchiving: Unarchiving, dict: PlistDict): Plist {
  unarchiving.budget.enter()
  const content: Record<string, Plist> = Object.create(null)
  for (const key of Object.keys(dict)) {
    const resolved = key === '$class' ? classNameOf(unarchiving, dict[key]) : resolve(unarchiving, dict[key]!)
    if (resolved !== undefined) content[key] = resolved
  }
  unarchiving.budget.leave()
  return plainValueOf(content)
}

function classNameOf(unarchiving: Unarchiving, value: Plist | undefined): string {
  const uid = uidOf(value)
  const name = uid === undefined ? undefined : textOf(dictOf(objectAt(unarchiving, uid))?.$classname)
  if (name === undefined) throw malformed('An archived object has a class without a name')
  return name
}

/** An object of a class that stands for a plain value; every other dictionary stays as it is. */
function plainValueOf(content: PlistDict): Plist {
  switch (content.$class) {
    case 'NSData':
    case 'NSMutableData':
      return present(content, bytesOf(content['NS.data']))
    case 'NSString':
    case 'NSMutableString':
      return present(content, textOf(content['NS.string']))
    case 'NSDate':
      return present(content, dateFromCocoa(numberOf(content['NS.time']) ?? Number.NaN))
    case 'NSArray':
    case 'NSMutableArray':
    case 'NSSet':
    case 'NSMutableSet':
      return present(content, arrayOf(content['NS.objects']))
    case 'NSDictionary':
    case 'NSMutableDictionary':
      return dictFrom(content)
    default:
      return content
  }
}

function dictFrom(content: PlistDict): PlistDict {
  const keys = present(content, arrayOf(content['NS.keys']))
  const values = present(content, arrayOf(content['NS.objects']))
  const dict: Record<string, Plist> = Object.create(null)
  for (const [index, key] of keys.entries()) dict[present(content, textOf(key))] = present(content, values[index])
  return dict
}

function present<Value>(content: PlistDict, value: Value | undefined): Value {
  if (value === undefined) throw malformed(`An archived ${textOf(content.$class)} lacks its content`)
  return value
}
