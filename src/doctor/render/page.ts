/** How much room there is to print, and whether colours help. */
export interface Page {
  readonly columns: number
  readonly hasColor: boolean
}

export type Tone = 'heading' | 'good' | 'bad' | 'open'

const CODES: Readonly<Record<Tone, string>> = { heading: '1', good: '32', bad: '31', open: '33' }

const COLUMNS_MIN = 20
const COLUMNS_MAX = 100

/** A text in a colour, which only repeats what the words say. */
export function paint(text: string, tone: Tone, { hasColor }: Page): string {
  return hasColor && text !== '' ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text
}

interface Lead {
  /** What the first line begins with. */
  readonly lead?: string
  /** How far the others are moved in; as far as the first word, where this is not given. */
  readonly hang?: number
}

/** Breaks a text into lines between its words where the page ends. */
export function wrap(text: string, { columns }: Page, { lead = '', hang }: Lead = {}): readonly string[] {
  const width = Math.min(Math.max(columns, COLUMNS_MIN), COLUMNS_MAX)
  const lines: string[] = []
  let line = lead
  let isEmpty = true
  for (const word of plainText(text)
    .split(' ')
    .filter((word) => word !== '')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ' '.repeat(hang ?? lead.length)
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, line.trimEnd()]
}

/** Without what would steer a terminal, or turn the direction of writing: some texts contain names from a phone. */
export function plainText(text: string): string {
  return text.replaceAll(/[\t\n\r]/g, ' ').replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '')
}
