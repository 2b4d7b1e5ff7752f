import { createHash } from 'node:crypto'
import type { FileId } from '../backup-set/index.ts'

/** What file systems hold in one name. */
const NAME_BYTES_MAX = 255

/**
 * The names from the target folder down for something of a phone: its domain, then its path. Names that are too long are
 * shortened, always in the same way. Undefined for what would not stay in its folder, which no phone has.
 */
export function placeOf({
  domain,
  relativePath,
}: {
  domain: string
  relativePath: string
}): readonly string[] | undefined {
  const names = relativePath === '' ? [domain] : [domain, ...relativePath.split('/')]
  return isPlain(domain) && !domain.includes('/') && names.every(isPlain) ? names.map(shortened) : undefined
}

/** Another name for a file in whose place there is another one, as where capitals do not count. */
export function nameBeside(name: string, fileId: FileId): string {
  const mark = `~${fileId.slice(0, 8)}`
  return `${startOf(name, NAME_BYTES_MAX - mark.length)}${mark}`
}

/**
 * Whether a link can only lead to places within its domain's folder: it climbs first, no higher than that, and then only
 * descends. A path that climbs again, below another link, could lead anywhere.
 */
export function staysInside(target: string, { linkDepth }: { linkDepth: number }): boolean {
  const names = target.split('/').filter((name) => name !== '.')
  const descent = names.findIndex((name) => name !== '..')
  const climbs = descent === -1 ? names.length : descent
  return climbs < linkDepth && names.slice(climbs).every(isPlain)
}

function isPlain(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('\0')
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= NAME_BYTES_MAX) return name
  const mark = `~${createHash('sha1').update(name).digest('hex').slice(0, 8)}`
  return `${startOf(name, NAME_BYTES_MAX - mark.length)}${mark}`
}

/** As many whole characters as fit. */
function startOf(name: string, bytesMax: number): string {
  let bytes = 0
  let end = 0
  for (const character of name) {
    bytes += Buffer.byteLength(character)
    if (bytes > bytesMax) break
    end += character.length
  }
  return name.slice(0, end)
}
