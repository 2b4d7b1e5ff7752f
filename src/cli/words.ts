import { badUsage } from './errors.ts'

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  kb: 1e3,
  m: 2 ** 20,
  mib: 2 ** 20,
  mb: 1e6,
  g: 2 ** 30,
  gib: 2 ** 30,
  gb: 1e9,
  t: 2 ** 40,
  tib: 2 ** 40,
  tb: 1e12,
} // prettier-ignore

/** Reads `6GiB`, `500MB`, `1.5g` or a bare number of bytes. A bare letter is binary, as in restic. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  const unit = UNITS[(match?.[2] ?? '?').toLowerCase()]
  const bytes = match === null || unit === undefined ? Number.NaN : Math.round(Number(match[1]) * unit)
  if (!Number.isSafeInteger(bytes)) throw badUsage(`"${text}" is not a size`, 'Write it like 500MiB, 6GiB or 1000000')
  return bytes
}

/** `1.234 GiB`, as restic prints sizes. */
export function formatSize(bytes: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1 ? 0 : Math.min(names.length - 1, Math.floor(Math.log2(bytes) / 10))
  return power === 0 ? `${bytes} B` : `${(bytes / 2 ** (10 * power)).toFixed(power === 1 ? 1 : 2)} ${names[power]}`
}

/** `0:07`, `12:34`, `1:02:03`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const [hours, minutes, rest] = parts.map((part) => String(part).padStart(2, '0'))
  return parts[0] === 0 ? `${parts[1]}:${rest}` : `${Number(hours)}:${minutes}:${rest}`
}

/** `one file`-like counting with thousands apart: `1 file`, `12,345 files`. */
export function countOf(count: number, noun: string, nouns = `${noun}s`): string {
  return `${WITH_THOUSANDS.format(count)} ${count === 1 ? noun : nouns}`
}

/** Made once: `toLocaleString` takes many times as long, and a run counts every file and block. */
const WITH_THOUSANDS = new Intl.NumberFormat('en-US')

/** `12 files, 1.5 MiB` */
export function amountOf(files: number, bytes: number): string {
  return `${countOf(files, 'file')}, ${formatSize(bytes)}`
}

/** A text from a phone or a repository, without what would steer a terminal. */
export function plainText(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

/** How many cells of a terminal a text takes. Of emoji that are joined each counts: not every terminal joins them. */
export function widthOf(text: string): number {
  return [...text].reduce((width, character) => width + cellsOf(character), 0)
}

const NO_CELL = /[\p{M}\p{Cf}]/u
/** Source: Unicode's East_Asian_Width, the blocks that are wide or full-width. */
const TWO_CELLS =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u

function cellsOf(character: string): number {
  if (NO_CELL.test(character)) return 0
  return TWO_CELLS.test(character) ? 2 : 1
}

/** With a full stop, unless it ends as a sentence does already. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

const TABLE_INDENT = '  '

/**
 * A line broken between words so that none is wider than a terminal of so many cells, unless a word alone is. What follows is
 * indented as the line is, and a table's row further. What has colours was laid out by whoever coloured it, and stays as it is.
 */
export function wrapped(line: string, columns: number): readonly string[] {
  if (widthOf(line) <= columns || line.includes('\u001b')) return [line]
  const indent = `${/^ */.exec(line)?.[0]}${/\S {2}/.test(line) ? TABLE_INDENT : ''}`
  const rows: string[] = []
  let row = ''
  for (const [word] of line.matchAll(/ *[^ ]+/g)) {
    if (row !== '' && widthOf(row + word) > columns) {
      rows.push(row)
      row = indent + word.trimStart()
    } else row += word
  }
  return [...rows, row]
}

/** The beginning of a text, in so many cells at most; an ellipsis stands for what was cut off. */
export function shortened(text: string, cells: number): string {
  return widthOf(text) <= cells ? text : `${beginningOf(text, cells - 1)}…`
}

function beginningOf(text: string, cells: number): string {
  let width = 0
  let length = 0
  for (const character of text) {
    width += cellsOf(character)
    if (width > cells) break
    length += character.length
  }
  return text.slice(0, length)
}

/** `2026-11-22 12:34:56`, in this machine's time zone; in UTC where an empty TZ leaves it unknown. */
export function formatTime(rfc3339: string): string {
  const zone = Temporal.Now.timeZoneId()
  const local = Temporal.Instant.from(rfc3339).toZonedDateTimeISO(zone === 'Etc/Unknown' ? 'UTC' : zone)
  return local.toPlainDateTime().toString({ smallestUnit: 'second' }).replace('T', ' ')
}
