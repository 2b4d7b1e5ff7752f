import { compareVersions } from '../engine/ios-version.ts'
import type { FactValues } from '../engine.ts'
import labelsDe from './labels.de.json' with { type: 'json' }
import labelsEn from './labels.en.json' with { type: 'json' }
import paths from './paths.json' with { type: 'json' }
import type { Language, Speaker } from './speaker.ts'

/** A label of the settings, from that iOS on. */
interface Label {
  readonly from: string
  readonly text: string
  /** No source says so for this iOS, or in this language. */
  readonly unsure?: boolean
  /** What the search of the settings finds it by, where that is not the label itself. */
  readonly search?: string
}

/** Where something is found, from that iOS on. */
interface Path {
  readonly from: string
  /** Ids of labels, and of the two places that have no fixed name: `your_name` and `this_device`. */
  readonly labels: readonly string[]
  readonly unsure?: boolean
}

export const LABELS: Readonly<Record<Language, Readonly<Record<string, readonly Label[]>>>> = {
  en: labelsEn,
  de: labelsDe,
}
export const PATHS: Readonly<Record<string, readonly Path[]>> = paths

/** The newest iOS whose settings are described by a source; newer ones are taken to have the same. */
const NEWEST_DESCRIBED = '26.99'

/** The releases of iOS by which the steps of a remedy differ in more than labels: `{since16_4, select, true {…} …}`. */
const TURNS = ['11', '16.4', '17', '18', '26'] as const

export interface Phone {
  readonly ios?: string | undefined
  readonly deviceClass?: FactValues['deviceClass'] | undefined
}

/** What the texts of steps may name, as this very phone shows it. */
export interface Wording {
  /** `label_<id>`, `path_<id>`, `since<version>` and `this_device`. */
  readonly values: Readonly<Record<string, string>>
  /** Pieces of text that may read otherwise on the phone, and what to search the settings for instead. */
  readonly unsure: readonly { readonly text: string; readonly search: string }[]
}

/** Where the iOS is not known, everything is worded as on the newest, and is unsure where older ones differ. */
export function wordingFor(speaker: Speaker, { ios, deviceClass = 'iPhone' }: Phone): Wording {
  const isBeyond = isSince(ios, NEWEST_DESCRIBED) && ios !== undefined
  const labels = new Map(
    Object.entries(LABELS[speaker.language]).map(([id, entries]) => {
      const label = entryFor(entries, ios)
      const text = quoted(speaker, withDevice(label.text, deviceClass))
      return [id, { text, search: withDevice(label.search ?? label.text, deviceClass), unsure: label.unsure === true }]
    }),
  )
  const places = new Map([
    ...[...labels].map(([id, { text }]) => [id, text] as const),
    ['your_name', speaker.say({ key: 'word.your-name' })],
    ['this_device', speaker.say({ key: 'word.this-device' })],
  ])
  const routes = Object.entries(PATHS).map(([id, entries]) => {
    const path = entryFor(entries, ios)
    const search = path.labels.map((label) => labels.get(label)?.search).findLast((term) => term !== undefined) ?? ''
    const text = route(
      speaker,
      path.labels.map((label) => places.get(label) ?? ''),
    )
    return { id, text, search, unsure: isBeyond || path.unsure === true }
  })
  return {
    values: {
      ...Object.fromEntries([...labels].map(([id, { text }]) => [`label_${id}`, text])),
      ...Object.fromEntries(routes.map(({ id, text }) => [`path_${id}`, text])),
      ...Object.fromEntries(TURNS.map((turn) => [`since${turn.replace('.', '_')}`, String(isSince(ios, turn))])),
      this_device: speaker.say({ key: 'word.this-device' }),
    },
    unsure: [...labels.values(), ...routes].filter(({ unsure }) => unsure),
  }
}

/** The last entry that is not newer than this iOS; the newest where the iOS is not known, and then unsure if there are others. */
function entryFor<Entry extends Label | Path>(entries: readonly Entry[], ios: string | undefined): Entry {
  const fitting = entries.findLast(({ from }) => isSince(ios, from)) ?? entries[0]
  if (fitting === undefined) throw new Error('A label needs at least one wording')
  return ios === undefined && entries.length > 1 ? { ...fitting, unsure: true } : fitting
}

function isSince(ios: string | undefined, version: string): boolean {
  return ios === undefined || (compareVersions(ios, version) ?? 1) >= 0
}

/** "Open Settings and tap …" */
function route(speaker: Speaker, [first = '', ...rest]: readonly string[]): string {
  const key = rest.length === 0 ? 'path.one' : rest.length === 1 ? 'path.short' : 'path.long'
  return speaker.say({ key, values: { first, rest: rest.join(', ') } })
}

/** Labels say the device's full name. */
function withDevice(text: string, deviceClass: FactValues['deviceClass']): string {
  return text.replaceAll('{device}', deviceClass === 'iPod' ? 'iPod touch' : deviceClass)
}

export function quoted(speaker: Speaker, text: string): string {
  return speaker.say({ key: 'word.quoted', values: { text } })
}
