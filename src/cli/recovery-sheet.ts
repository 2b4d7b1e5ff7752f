import { viewOf } from '../base/bytes.ts'
import { AppError } from '../base/errors.ts'
import { randomBytes, seededRandom } from '../base/random.ts'
import type { Secret } from '../base/secret.ts'
import { askLine } from './consent.ts'
import type { CliErrorCode } from './errors.ts'
import { wrapped } from './words.ts'

const GAP = '   '
const INDENT = '  '

/** What is to be printed, or written down by hand: the words with their numbers, and how plain restic opens the repository with them. */
export function sheetLines(
  words: Secret,
  { location, columns }: { location: string; columns: number },
): readonly string[] {
  const wrap = (text: string) => wrapped(text, columns)
  return [
    ...wrap('The recovery key of this repository. Write these 24 words down, in this order:'),
    '',
    ...grid(words.reveal().split(' '), columns),
    '',
    ...wrap(
      'The words open everything with plain restic alone: put them into a file words.txt, in lower case, on one line, with one space between them. Then run:',
    ),
    '',
    ...command(location, columns),
    '',
    ...wrap(
      'They are shown this once. Who has the paper and the storage can read all backups: keep it where neither fire nor guests find it.',
    ),
  ]
}

/** Numbered down the columns: four where they fit, else three, two or one. */
function grid(words: readonly string[], columns: number): readonly string[] {
  const cells = words.map((word, index) => `${String(index + 1).padStart(2)}. ${word}`)
  const width = Math.max(...cells.map(({ length }) => length))
  const across = [4, 3, 2].find((count) => INDENT.length + count * width + (count - 1) * GAP.length <= columns) ?? 1
  const rows = Math.ceil(cells.length / across)
  return Array.from({ length: rows }, (_, row) => {
    const line = Array.from({ length: across }, (_, column) => (cells[column * rows + row] ?? '').padEnd(width))
    return `${INDENT}${line.join(GAP)}`.trimEnd()
  })
}

/** On one line, or as a shell takes it on two. */
function command(location: string, columns: number): readonly string[] {
  const begin = `${INDENT}restic -r ${quoted(location)}`
  const end = '--password-file words.txt snapshots'
  const line = `${begin} ${end}`
  return line.length <= columns ? [line] : [`${begin} \\`, `${INDENT}${INDENT}${end}`]
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

const ASKED = 3
const TRIES = 3

/**
 * Has a person read three of the words back from the paper. Throws `cli.words-not-repeated` when one was wrong three times, and
 * `cli.interrupted`.
 */
export async function askBack(
  words: Secret,
  { say, signal }: { say: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  say('Now read three of them back from the paper.')
  const list = words.reveal().split(' ')
  for (const number of chosen(list.length)) await askWord(number, list[number - 1] ?? '', { say, signal })
}

/** In the order in which they stand on the paper. */
function chosen(count: number): readonly number[] {
  const random = seededRandom(viewOf(randomBytes(4)).getUint32(0))
  const numbers = new Set<number>()
  while (numbers.size < ASKED) numbers.add(1 + random.below(count))
  return [...numbers].sort((left, right) => left - right)
}

async function askWord(
  number: number,
  word: string,
  { say, signal }: { say: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const answer = await askLine(`Word ${number}: `, signal)
    if (answer.trim().toLowerCase() === word) return
    say(`That is not word ${number}. Look at the list above, and correct the paper.`)
  }
  throw notRepeated(number)
}

function notRepeated(number: number): AppError<CliErrorCode> {
  return new AppError('cli.words-not-repeated', `Word ${number} was not given back as it is`, {
    remedy: 'The key was added, but the paper may be wrong: make a new one with `phonekeep key recovery --replace`',
  })
}
