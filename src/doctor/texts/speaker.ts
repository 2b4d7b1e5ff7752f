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
  const formats = new Map<string, IntlMessageFormat>()
  const dates = datesFor(language, listener)
  const defaults = deviceWords(language, listener.deviceClass ?? 'iPhone')
  return { language, say }

  function say({ key, values = {} }: Message): string {
    const told = Object.entries(values).flatMap(([name, value]) => tell(name, value))
    return String(formatOf(key).format({ ...defaults, ...Object.fromEntries(told) }))
  }

  function formatOf(key: string): IntlMessageFormat {
    const known = formats.get(key)
    if (known !== undefined) return known
    const text = CATALOGUES[language][key]
    if (text === undefined) throw new Error(`There is no text for ${key}`)
    const format = new IntlMessageFormat(text, language, undefined, { ignoreTag: true })
    formats.set(key, format)
    return format
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

/** What the phone and its system are called; the German grammar of the texts wants a neuter noun. */
function deviceWords(language: Language, deviceClass: FactValues['deviceClass']): Readonly<Record<string, string>> {
  const system = deviceClass === 'iPad' ? 'iPadOS' : 'iOS'
  if (deviceClass !== 'iPod') return { device: deviceClass, system }
  return { device: language === 'de' ? 'Gerät' : 'iPod touch', system }
}

function datesFor(language: Language, { timeZone, nowMs }: Listener) {
  const zone = isZone(timeZone) ? timeZone : 'UTC'
  const day = { day: 'numeric', month: 'long', timeZone: zone } as const
  const formats = {
    day: new Intl.DateTimeFormat(language, day),
    dayOfYear: new Intl.DateTimeFormat(language, { ...day, year: 'numeric' }),
    time: new Intl.DateTimeFormat(language, { ...day, hour: 'numeric', minute: '2-digit' }),
    timeOfYear: new Intl.DateTimeFormat(language, { ...day, year: 'numeric', hour: 'numeric', minute: '2-digit' }),
  }
  const year = new Intl.DateTimeFormat(language, { year: 'numeric', timeZone: zone })
  const isThisYear = (ms: number) => nowMs !== undefined && year.format(ms) === year.format(nowMs)
  return {
    day: (ms: number) => plain((isThisYear(ms) ? formats.day : formats.dayOfYear).format(ms)),
    time: (ms: number) => plain((isThisYear(ms) ? formats.time : formats.timeOfYear).format(ms)),
  }
}

function isZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return true
  } catch {
    return false
  }
}

/** Without the narrow space before AM and PM, which many terminals cannot show. */
function plain(text: string): string {
  return text.replaceAll('\u202f', ' ')
}
