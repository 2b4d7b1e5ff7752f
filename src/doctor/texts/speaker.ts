import { IntlMessageFormat } from 'intl-messageformat'
import type { FactValues, Message, MessageValue } from '../engine.ts'
import de from './de.json' with { type: 'json' }
import en from './en.json' with { type: 'json' }
import { bytesText, spanOf, spanText } from './quantities.ts'

export const LANGUAGES = ['en', 'de'] as const
export type Language = (typeof LANGUAGES)[number]

/** Every text, by its key, as an ICU message. */
export const CATALOGUES: Readonly<Record<Language, Readonly<Record<string, string>>>> = { en, de }

/** Says messages in one language to one reader. */
export interface Speaker {
  readonly language: Language
  /** A key that is not in the catalogue, or a value that its text needs and does not get, is a mistake of ours. */
  say(message: Message): string
}

export interface Listener {
  /** Of the reader, such as `Europe/Berlin`; dates are told in UTC where this names no zone. */
  readonly timeZone: string
  /** What the texts call the phone; an iPhone where nobody knows. */
  readonly deviceClass?: FactValues['deviceClass'] | undefined
  /** Dates of this year are told without it. */
  readonly nowMs?: number | undefined
  /** Names of people, phones and organisations are left out. */
  readonly hidesPrivate?: boolean | undefined
}

type Told = string | number

export function speakerFor(language: Language, listener: Listener): Speaker {
  const dates = datesFor(language, listener)
  const defaults = deviceWords(language, listener.deviceClass ?? 'iPhone')
  return { language, say }

  function say({ key, values = {} }: Message): string {
    const told = Object.entries(values).flatMap(([name, value]) => tell(name, value))
    return String(formatOf(language, key).format({ ...defaults, ...Object.fromEntries(told) }))
  }

  /** A span has two forms: after a preposition ("vor 3 Tagen"), and alone ("3 Tage"). */
  function tell(name: string, value: MessageValue): readonly (readonly [string, Told])[] {
    if (typeof value === 'object' && 'spanMs' in value) {
      const span = spanOf(value.spanMs)
      const afterPreposition = say({ key: `span.${span.unit}s`, values: { count: span.count } })
      return [
        [name, afterPreposition],
        [`${name}_alone`, spanText(language, span)],
      ]
    }
    return [[name, told(value)]]
  }

  function told(value: Exclude<MessageValue, { spanMs: number }>): Told {
    if (typeof value !== 'object') return value
    if ('dateMs' in value) return dates.time(value.dateMs)
    if ('dayMs' in value) return dates.day(value.dayMs)
    if ('bytes' in value) return bytesText(language, value.bytes)
    if ('message' in value) return say(value.message)
    if ('list' in value) return listText(value.list)
    return listener.hidesPrivate === true ? say({ key: 'word.private' }) : value.private
  }

  function listText(list: readonly MessageValue[]): string {
    const texts = list.map((one) => String(tell('one', one)[0]?.[1]))
    return new Intl.ListFormat(language, { type: 'conjunction' }).format(texts)
  }
}

/** Texts are parsed when they are first said, and once. */
const formats = new Map<string, IntlMessageFormat>()

function formatOf(language: Language, key: string): IntlMessageFormat {
  const id = `${language} ${key}`
  const known = formats.get(id)
  if (known !== undefined) return known
  const text = CATALOGUES[language][key]
  if (text === undefined) throw new Error(`There is no text for ${key}`)
  const format = new IntlMessageFormat(text, language, undefined, { ignoreTag: true })
  formats.set(id, format)
  return format
}

/** What the phone and its system are called; the German grammar of the texts wants a neuter noun. */
function deviceWords(language: Language, deviceClass: FactValues['deviceClass']): Readonly<Record<string, string>> {
  const system = deviceClass === 'iPad' ? 'iPadOS' : 'iOS'
  if (deviceClass !== 'iPod') return { device: deviceClass, system }
  return { device: language === 'de' ? 'Gerät' : 'iPod touch', system }
}

function datesFor(language: Language, { timeZone, nowMs }: Listener) {
  const format = (ms: number, options: Intl.DateTimeFormatOptions) => dateText(language, timeZone, ms, options)
  const year = { year: 'numeric' } as const
  const isThisYear = (ms: number) => nowMs !== undefined && format(ms, year) === format(nowMs, year)
  const day = (ms: number) => ({ day: 'numeric', month: 'long', ...(isThisYear(ms) ? {} : year) }) as const
  return {
    day: (ms: number) => format(ms, day(ms)),
    time: (ms: number) => format(ms, { ...day(ms), hour: 'numeric', minute: '2-digit' }),
  }
}

function dateText(language: Language, timeZone: string, ms: number, options: Intl.DateTimeFormatOptions): string {
  return plain(new Intl.DateTimeFormat(language, { ...options, timeZone: zoneOf(timeZone) }).format(ms))
}

function zoneOf(timeZone: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone
  } catch {
    return 'UTC'
  }
}

/** Without the narrow space before AM and PM, which many terminals cannot show. */
function plain(text: string): string {
  return text.replaceAll('\u202f', ' ')
}
