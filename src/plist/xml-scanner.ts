import { malformed } from './errors.ts'
import type { Budget } from './limits.ts'

/** The bytes of an XML list, how far they are read, and what may still be spent on them. */
export interface XmlScan {
  readonly bytes: Buffer
  readonly budget: Budget
  at: number
}

/** `<name>`, `</name>` or `<name/>`; attributes are not kept. The name is empty when it is none that could be known. */
export interface Tag {
  readonly kind: 'open' | 'close' | 'empty'
  readonly name: string
  /** Where its `<` is. */
  readonly at: number
}

/** The next tag; only white space and markup that means nothing may come before it. */
export function nextTag(scan: XmlScan): Tag {
  skipMarkup(scan)
  return readTag(scan)
}

/** The text of an element up to its closing tag, entities replaced. */
export function readText(scan: XmlScan, tag: Tag): string {
  if (tag.kind === 'empty') return ''
  let text = ''
  for (;;) {
    text += replaceEntities(takeText(scan, '<'), scan)
    if (skip(scan, '<![CDATA[')) {
      scan.budget.visit()
      text += takeText(scan, ']]>')
      skip(scan, ']]>')
    } else if (!skipComment(scan)) {
      expect(readTag(scan), 'close', tag.name)
      return text
    }
  }
}

const ENTITY = /&([a-z]{1,4}|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});/y
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

/** Piece by piece: `replace` would collect every entity of a hostile text before the first one is counted. */
function replaceEntities(text: string, scan: XmlScan): string {
  const pieces: string[] = []
  let from = 0
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', from)) {
    scan.budget.visit()
    ENTITY.lastIndex = at
    const character = characterOf(ENTITY.exec(text)?.[1] ?? '')
    if (character === undefined) throw malformed(`A "&" before byte ${scan.at} starts no known entity`)
    pieces.push(text.slice(from, at), character)
    from = ENTITY.lastIndex
  }
  return from === 0 ? text : pieces.join('') + text.slice(from)
}

/** What an entity stands for: "lt" is "<", "#65" and "#x41" are both "A". */
function characterOf(name: string): string | undefined {
  if (!name.startsWith('#')) return ENTITIES.get(name)
  const code = Number(`0${name.slice(1)}`)
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined
}

const TAG_NAME = /^[A-Za-z]{1,20}(?=[\s/]|$)/

function readTag(scan: XmlScan): Tag {
  const { at } = scan
  if (!skip(scan, '<')) throw malformed(`There is no tag at byte ${at}, where one is due`)
  const closes = skip(scan, '/')
  const inside = take(scan, '>')
  scan.at++
  const empty = !closes && inside.endsWith('/')
  const name = TAG_NAME.exec(inside)?.[0] ?? ''
  return { kind: closes ? 'close' : empty ? 'empty' : 'open', name, at }
}

/** White space, comments, processing instructions and the document type. */
function skipMarkup(scan: XmlScan): void {
  do {
    while (isSpace(scan.bytes[scan.at])) scan.at++
  } while (skipComment(scan) || skipInstruction(scan) || skipDocumentType(scan))
}

function skipComment(scan: XmlScan): boolean {
  return skip(scan, '<!--') && skipThrough(scan, '-->')
}

function skipInstruction(scan: XmlScan): boolean {
  return skip(scan, '<?') && skipThrough(scan, '?>')
}

function skipDocumentType(scan: XmlScan): boolean {
  if (!skip(scan, '<!DOCTYPE')) return false
  if (!take(scan, '>').includes('[')) return skip(scan, '>')
  throw malformed('The document type declares things of its own, which no property list needs')
}

/** Moves past these characters if they come next. */
function skip(scan: XmlScan, mark: string): boolean {
  const { bytes, at } = scan
  for (let index = 0; index < mark.length; index++) if (bytes[at + index] !== mark.charCodeAt(index)) return false
  scan.at += mark.length
  return true
}

/** Moves past the next place where these characters are. */
function skipThrough(scan: XmlScan, mark: string): boolean {
  scan.at = find(scan, mark)
  return skip(scan, mark)
}

/** The text up to these characters, which come next afterwards. */
function take(scan: XmlScan, mark: string): string {
  const end = find(scan, mark)
  const text = scan.bytes.toString('utf8', scan.at, end)
  scan.at = end
  return text
}

/** The same, for text that becomes part of the result. */
function takeText(scan: XmlScan, mark: string): string {
  const start = scan.at
  const text = take(scan, mark)
  scan.budget.produce(scan.at - start)
  return text
}

/** One byte is found faster by its number. */
function find(scan: XmlScan, mark: string): number {
  const found = scan.bytes.indexOf(mark.length === 1 ? mark.charCodeAt(0) : mark, scan.at)
  if (found < 0) throw malformed(`The end comes before the ${JSON.stringify(mark)} due after byte ${scan.at}`)
  return found
}

/** Nothing that means anything may follow; zero bytes are forgiven. */
export function checkEnd(scan: XmlScan): void {
  skipMarkup(scan)
  while (scan.bytes[scan.at] === 0 || isSpace(scan.bytes[scan.at])) scan.at++
  if (scan.at < scan.bytes.length) throw malformed(`Something follows </plist> at byte ${scan.at}`)
}

/** Throws `plist.malformed` for any other tag. */
export function expect(tag: Tag, kind: Tag['kind'], name: string): void {
  if (tag.kind !== kind || tag.name !== name) throw unexpected(tag)
}

/** The error for a tag that may not be where it is. */
export function unexpected({ kind, name, at }: Tag) {
  const shown = { open: `<${name}>`, close: `</${name}>`, empty: `<${name}/>` }[kind]
  return malformed(`Did not expect ${JSON.stringify(shown.slice(0, 40))} at byte ${at}`)
}

/** How many bytes a UTF-8 byte order mark takes at the start: 3, or 0 without one. */
export function byteOrderMarkSize(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
}

/** White space, as XML has it. */
export function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x09 || byte === 0x0d
}
