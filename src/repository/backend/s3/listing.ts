/** One page of a ListObjectsV2 answer. */
export interface ListingPage {
  readonly objects: readonly ListedObject[]
  /** Asks for the next page; undefined at the end. */
  readonly nextToken: string | undefined
}

export interface ListedObject {
  readonly key: string
  readonly sizeBytes: number
  /** By the clock of the store. */
  readonly modifiedMs: number | undefined
}

/** Reads a page; undefined when it is none. Source: docs/protocol/restic-repository.md#s3. */
export function parseListing(xml: string): ListingPage | undefined {
  if (!/<ListBucketResult[\s>]/.test(xml) || !xml.trimEnd().endsWith('</ListBucketResult>')) return undefined
  const objects: ListedObject[] = []
  for (const object of xml.split('<Contents>').slice(1)) {
    const key = elementOf(object, 'Key')
    const size = elementOf(object, 'Size') ?? ''
    if (key === undefined || !/^\d{1,15}$/.test(size)) return undefined
    const modifiedMs = Date.parse(elementOf(object, 'LastModified') ?? '')
    objects.push({ key, sizeBytes: Number(size), modifiedMs: Number.isNaN(modifiedMs) ? undefined : modifiedMs })
  }
  const nextToken = elementOf(xml, 'NextContinuationToken')
  if (elementOf(xml, 'IsTruncated') !== 'true') return { objects, nextToken: undefined }
  return nextToken === undefined ? undefined : { objects, nextToken }
}

/** The code of an error's body, such as NoSuchKey; empty when there is none. Nothing else of it is shown to anybody. */
export function errorCodeOf(xml: string): string {
  return /<Code>([A-Za-z0-9.]{1,64})<\/Code>/.exec(xml)?.[1] ?? ''
}

/** The text of the first element of that name, as it is written; undefined if there is none. */
export function elementOf(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`)
  const end = xml.indexOf(`</${name}>`, start)
  return start < 0 || end < 0 ? undefined : decodeEntities(xml.slice(start + name.length + 2, end))
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decodeEntities(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{2,4}));/gi, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole
    const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole
  })
}
