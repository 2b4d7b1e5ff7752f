export type SpanUnit = 'moment' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year'

export interface Span {
  readonly unit: SpanUnit
  readonly count: number
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** From the longest; a length of time is told in the first unit of which there are at least so many. */
const UNITS: readonly { readonly unit: SpanUnit; readonly ms: number; readonly from: number }[] = [
  { unit: 'year', ms: 365.25 * DAY_MS, from: 2 },
  { unit: 'month', ms: 30.44 * DAY_MS, from: 3 },
  { unit: 'week', ms: 7 * DAY_MS, from: 3 },
  { unit: 'day', ms: DAY_MS, from: 2 },
  { unit: 'hour', ms: HOUR_MS, from: 2 },
  { unit: 'minute', ms: MINUTE_MS, from: 1 },
]

/** A length of time as people tell it: 50 days are 7 weeks, and 36 hours stay hours. */
export function spanOf(ms: number): Span {
  const length = Math.abs(ms)
  const fitting = UNITS.find(({ ms: unitMs, from }) => length >= unitMs * from)
  if (fitting === undefined) return { unit: 'moment', count: 0 }
  return { unit: fitting.unit, count: Math.round(length / fitting.ms) }
}

/** `3 weeks`, `3 Wochen`: in the form that it has alone. */
export function spanText(language: string, { unit, count }: Span): string {
  const [shown, number] = unit === 'moment' ? (['minute', 1] as const) : ([unit, count] as const)
  return new Intl.NumberFormat(language, { style: 'unit', unit: shown, unitDisplay: 'long' }).format(number)
}

const SIZES = [
  { unit: 'terabyte', size: 1e12, decimals: 1 },
  { unit: 'gigabyte', size: 1e9, decimals: 1 },
  { unit: 'megabyte', size: 1e6, decimals: 0 },
] as const

const SMALLEST = { unit: 'kilobyte', size: 1e3, decimals: 0 } as const

/** As the settings of a phone count: 1 GB is 10⁹ bytes. */
export function bytesText(language: string, bytes: number): string {
  const { unit, size, decimals } = SIZES.find(({ size }) => bytes >= size) ?? SMALLEST
  const amount = Math.max(0, bytes) / size
  const maximumFractionDigits = amount < 100 ? decimals : 0
  return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits }).format(amount)
}
