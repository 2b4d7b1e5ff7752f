import type { Clock } from '../base/clock.ts'
import { formatDuration, plainText, shortened, widthOf, wrapped } from './words.ts'

/** Where a command prints: results to `out`, everything that only narrates to `err`. */
export interface Terminal {
  /** Exactly this line, for scripts too. */
  out(line: string): void
  /** A line of a result for people: on a terminal, wrapped between words. */
  tell(line: string): void
  /** On a terminal, wrapped between words. */
  err(line: string): void
  /** Nobody reads `out` any more, as a line that was written there has shown: what prints on and on may stop. */
  readonly isOutGone: boolean
  /** Overwrites the line that was drawn before; undefined where `err` is not a terminal. */
  readonly draw: ((line: string) => void) | undefined
  /** As wide as `err` is now: windows are made larger and smaller while a backup runs. */
  readonly columns: number
}

/** The process's own output. */
export function openTerminal(): Terminal {
  let drawn = false
  const clear = () => {
    if (drawn) process.stderr.write('\r\u001b[K')
    drawn = false
  }
  const print = (stream: Stream, lines: readonly string[]) => {
    clear()
    stream.write(`${lines.join('\n')}\n`)
  }
  return {
    out: (line) => print(process.stdout, [line]),
    tell: (line) => print(process.stdout, rowsFor(process.stdout, line)),
    err: (line) => print(process.stderr, rowsFor(process.stderr, line)),
    get isOutGone() {
      return !process.stdout.writable
    },
    draw: process.stderr.isTTY
      ? (line) => {
          process.stderr.write(`\r\u001b[K${line}`)
          drawn = true
        }
      : undefined,
    get columns() {
      return process.stderr.columns || 80
    },
  }
}

type Stream = typeof process.stdout | typeof process.stderr

/** A terminal that does not tell its width counts as endless. */
function rowsFor({ isTTY, columns }: Stream, line: string): readonly string[] {
  return isTTY && columns > 0 ? wrapped(line, columns) : [line]
}

export interface ProgressState {
  /** What is going on, in a few words. */
  readonly doing: string
  /** 0 to 1; undefined while nobody can tell. */
  readonly fraction?: number
  /** How much of it is done, in words. */
  readonly amount: string
}

export interface Progress {
  show(state: ProgressState): void
  /** A sentence that stays. */
  say(sentence: string): void
}

const DRAW_EVERY_MS = 100
const PRINT_EVERY_MS = 5_000

/** A bar that redraws itself on a terminal; elsewhere a plain line when something else begins, and every five seconds. */
export function openProgress(terminal: Terminal, clock: Clock): Progress {
  const startedMs = clock.elapsedMs()
  const everyMs = terminal.draw ? DRAW_EVERY_MS : PRINT_EVERY_MS
  let last = { doing: '', shownMs: Number.NEGATIVE_INFINITY }

  const show = (state: ProgressState) => {
    const nowMs = clock.elapsedMs()
    if (nowMs - last.shownMs < everyMs && state.doing === last.doing) return
    last = { doing: state.doing, shownMs: nowMs }
    if (terminal.draw) terminal.draw(barLine(state, nowMs - startedMs, terminal.columns))
    else terminal.err(plainLine(state, nowMs - startedMs))
  }
  return { show, say: (sentence) => terminal.err(sentence) }
}

const BAR_CELLS_MAX = 24
const BAR_CELLS_MIN = 4
const DOING_LENGTH_MIN = 10

/** On a narrow terminal the bar goes first, then the end of what is being done; how far it is always shows. */
function barLine(state: ProgressState, elapsedMs: number, columns: number): string {
  const tail = `${formatDuration(elapsedMs)}  ${state.amount}`
  const room = columns - 1 - percent(state).length - tail.length - 3
  const doing = shortened(state.doing, Math.max(DOING_LENGTH_MIN, room))
  const cells = Math.min(BAR_CELLS_MAX, room - widthOf(doing) - 2)
  const full = Math.round(Math.min(1, state.fraction ?? 0) * cells)
  const bar = cells < BAR_CELLS_MIN ? '' : `${'█'.repeat(full)}${'░'.repeat(cells - full)}  `
  return shortened(`${percent(state)} ${doing}  ${bar}${tail}`, columns - 1)
}

function plainLine(state: ProgressState, elapsedMs: number): string {
  return `[${formatDuration(elapsedMs)}] ${percent(state)} ${state.doing}, ${state.amount}`
}

function percent({ fraction }: ProgressState): string {
  return fraction === undefined ? '  – %' : `${String(Math.floor(Math.min(1, fraction) * 100)).padStart(3)} %`
}

/** Rows of text in columns, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const plain = rows.map((row) => row.map(plainText))
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...plain.map((row) => widthOf(row[column] ?? ''))))
  return plain.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))))
      .join('  ')
      .trimEnd(),
  )
}
