import { compareVersions } from '../engine/ios-version.ts'
import type { FactValues } from '../engine.ts'
import labelsDe from './labels.de.json' with { type: 'json' }
import labelsEn from './labels.en.json' with { type: 'json' }
import paths from './paths.json' with { type: 'json' }
import type { Language, Speaker } from './speaker.ts'

/** A label of the settings, from that iOS on. Source: docs/protocol/doctor.md#settings-labels */
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
export function wordingFor(speaker: Speaker, phone: Phone): Wording {
  const thisDevice = speaker.say({ key: 'word.this-device' })
  const labels = labelsFor(speaker, phone)
  const places = new Map([
    ...labels.map(({ id, text }) => [id, text] as const),
    ['your_name', speaker.say({ key: 'word.your-name' })],
    ['this_device', thisDevice],
  ])
  const routes = routesFor(speaker, phone, { labels, places })
  return {
    values: {
      ...Object.fromEntries(labels.map(({ id, text }) => [`label_${id}`, text])),
      ...Object.fromEntries(routes.map(({ id, text }) => [`path_${id}`, text])),
      ...Object.fromEntries(TURNS.map((turn) => [`since${turn.replace('.', '_')}`, String(isSince(phone.ios, turn))])),
      this_device: thisDevice,
    },
    unsure: [...labels, ...routes].filter(({ unsure }) => unsure),
  }
}

/** A label or a path as this phone has it. */
interface Piece {
  readonly id: string
  readonly text: string
  readonly search: string
  readonly unsure: boolean
}

function labelsFor(speaker: Speaker, { ios, deviceClass = 'iPhone' }: Phone): readonly Piece[] {
  return Object.entries(LABELS[speaker.language]).map(([id, entries]) => {
    const { text, search = text, unsure = false } = entryFor(entries, ios)
    return { id, text: quoted(speaker, withDevice(text, deviceClass)), search: withDevice(search, deviceClass), unsure }
  })
}

interface Places {
  readonly labels: readonly Piece[]
  /** Labels, and what has no fixed name, by id. */
  readonly places: ReadonlyMap<string, string>
}

/** A path is searched for by its last label. */
function routesFor(speaker: Speaker, { ios }: Phone, { labels, places }: Places): readonly Piece[] {
  const isBeyond = ios !== undefined && isSince(ios, NEWEST_DESCRIBED)
  const searches = new Map(labels.map(({ id, search }) => [id, search]))
  return Object.entries(PATHS).map(([id, entries]) => {
    const path = entryFor(entries, ios)
    const stops = path.labels.map((label) => places.get(label) ?? '')
    const search = path.labels.map((label) => searches.get(label)).findLast((term) => term !== undefined) ?? ''
    return { id, text: route(speaker, stops), search, unsure: isBeyond || path.unsure === true }
  })
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
  const key = rest.length === 1 ? 'path.short' : 'path.long'
  return speaker.say({ key, values: { first, rest: rest.join(', ') } })
}

/** Labels say the device's full name. */
function withDevice(text: string, deviceClass: FactValues['deviceClass']): string {
  return text.replaceAll('{device}', deviceClass === 'iPod' ? 'iPod touch' : deviceClass)
}

export function quoted(speaker: Speaker, text: string): string {
  return speaker.say({ key: 'word.quoted', values: { text } })
}
