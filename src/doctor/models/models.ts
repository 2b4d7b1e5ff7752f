import type { FactValues } from '../engine.ts'
import rows from './models.json' with { type: 'json' }

export type DeviceClass = FactValues['deviceClass']

/** What the buttons of a model do; `foldable-unsure` for those whose buttons nobody has described yet. */
export const RESTART_FAMILIES = [
  'faceid',
  'home-8',
  'home-7',
  'home-classic',
  'ipad-nohome',
  'ipad-home',
  'foldable-unsure',
] as const

export type RestartFamily = (typeof RESTART_FAMILIES)[number]

/** A model of Apple's. Source: docs/protocol/doctor.md#models */
export interface Model {
  /** Such as `iPhone13,2`. */
  readonly type: string
  /** Such as `iPhone 12`; Apple's identifier for a model that is newer than the table. */
  readonly name: string
  readonly restart: RestartFamily
  /** The last system it gets, whole (`15.8.8`) or by its first number (`26`); undefined while it still gets the newest. */
  readonly lastIos: string | undefined
}

export const MODELS: readonly Model[] = rows.map(modelOfRow)

const byType = new Map(MODELS.map((model) => [model.type, model]))

/** The model with this identifier; one that is newer than the table gets a name and the buttons of the newest of its kind. */
export function modelOf(type: string): Model {
  return byType.get(type) ?? { type, name: type, restart: newestFamily(type), lastIos: undefined }
}

/** The model that people call so, the newest where several share the name: "iphone 13", "iPad Pro 11-inch (M4)". */
export function modelNamed(name: string): Model | undefined {
  const wanted = bare(name)
  if (wanted === '') return undefined
  return byType.get(name.trim()) ?? MODELS.findLast((model) => bare(model.name) === wanted)
}

/** Without what nobody types: radios, spaces, punctuation. */
function bare(name: string): string {
  const withoutRadio = name
    .toLowerCase()
    .replaceAll(/wi-fi|cellular|\bgsm\b|\bcdma\b|\bglobal\b|\bchina\b|\b[12]tb\b/g, '')
  return withoutRadio.replaceAll(/(\d)(?:st|nd|rd|th|\.)\s*gen(?:eration)?\b/g, '$1gen').replaceAll(/[^a-z0-9.]/g, '')
}

/** Its name as Apple writes it in that language: `iPhone SE (3. Generation)`. */
export function modelNameIn(language: 'en' | 'de', type: string): string {
  const { name } = modelOf(type)
  return name.replace(/(\d+)(st|nd|rd|th) gen\b/, language === 'de' ? '$1. Generation' : '$1$2 generation')
}

export function deviceClassOf(type: string): DeviceClass {
  if (type.startsWith('iPad')) return 'iPad'
  return type.startsWith('iPod') ? 'iPod' : 'iPhone'
}

function newestFamily(type: string): RestartFamily {
  if (type.startsWith('iPad')) return 'ipad-nohome'
  return type.startsWith('iPhone') ? 'faceid' : 'foldable-unsure'
}

function modelOfRow([type = '', name = '', restart = '', lastIos = '']: readonly string[]): Model {
  const family = RESTART_FAMILIES.find((known) => known === restart)
  if (family === undefined) throw new Error(`${type} has no known restart family: ${restart}`)
  return { type, name, restart: family, lastIos: lastIos === 'current' ? undefined : lastIos }
}
