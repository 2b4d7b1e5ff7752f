import { noise, type Recipe, type Source, words } from './source.ts'

/** The source for a made-up file: it makes what the ending of the name promises, if the size allows it. */
export function sourceFor(relativePath: string): Source {
  const ending = /\.([a-z0-9]+)$/i.exec(relativePath)?.[1]?.toLowerCase() ?? ''
  return BY_ENDING.get(ending) ?? noise
}

interface Frame {
  readonly head: Uint8Array
  readonly tail: Uint8Array
}

/** A file with a fixed beginning and end and a filling between them; a size too small for both gives only filling. */
function framed(filling: Source, frame: (recipe: Recipe) => Frame): Source {
  return {
    *blocks(recipe, options) {
      const { head, tail } = frame(recipe)
      const size = recipe.size - head.length - tail.length
      if (size < 0) return yield* onlySync(filling.blocks(recipe, options))
      const body = onlySync(filling.blocks({ seed: recipe.seed, size }, options))
      if (recipe.size <= SMALL_FILE_BYTES) return yield Buffer.concat([head, ...body, tail])
      yield head
      yield* body
      if (tail.length > 0) yield tail
    },
  }
}

const SMALL_FILE_BYTES = 64 * 1024

function onlySync(blocks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Iterable<Uint8Array> {
  if (Symbol.iterator in blocks) return blocks
  throw new TypeError('A filling is made, not read')
}

const ascii = (text: string) => Buffer.from(text, 'latin1')
const NOTHING = new Uint8Array(0)

const jpeg = framed(noise, () => ({
  head: ascii('\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x48\x00\x48\x00\x00'),
  tail: ascii('\xff\xd9'),
}))

/** An ISO media file: the `ftyp` box and one `mdat` box with a 64-bit size. */
function isoMedia(brand: string, compatible: string): Source {
  const ftyp = ascii(`\x00\x00\x00\x18ftyp${brand}\x00\x00\x00\x00${compatible}${brand}`)
  return framed(noise, ({ size }) => {
    const mdat = Buffer.from('\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x00', 'latin1')
    mdat.writeBigUInt64BE(BigInt(Math.max(size - ftyp.length, 0)), 8)
    return { head: Buffer.concat([ftyp, mdat]), tail: NOTHING }
  })
}

const PLIST_HEAD =
  '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n<plist version="1.0"><dict>'

const xmlPlist = framed(words, ({ seed }) => ({
  head: ascii(`${PLIST_HEAD}<key>Number</key><integer>${seed}</integer><key>Text</key><string>`),
  tail: ascii('</string></dict></plist>\n'),
}))

const json = framed(words, ({ seed }) => ({ head: ascii(`{"id":${seed},"text":"`), tail: ascii('"}') }))
const html = framed(words, ({ seed }) => ({
  head: ascii(`<!doctype html><title>${seed}</title><p>`),
  tail: ascii('\n'),
}))
const text = framed(words, ({ seed }) => ({ head: ascii(`${seed}\n`), tail: ascii('\n') }))

const BY_ENDING = new Map<string, Source>([
  ['jpg', jpeg],
  ['jpeg', jpeg],
  ['heic', isoMedia('heic', 'mif1')],
  ['mov', isoMedia('qt  ', 'qt  ')],
  ['mp4', isoMedia('isom', 'mp42')],
  ['m4a', isoMedia('M4A ', 'mp42')],
  ['png', framed(noise, () => ({ head: ascii('\x89PNG\r\n\x1a\n'), tail: NOTHING }))],
  ['pdf', framed(noise, () => ({ head: ascii('%PDF-1.7\n'), tail: ascii('\n%%EOF\n') }))],
  ['plist', xmlPlist],
  ['json', json],
  ['html', html],
  ['txt', text],
  ['log', text],
  ['vcf', text],
])
