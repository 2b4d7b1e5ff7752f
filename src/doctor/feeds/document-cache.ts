import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8 } from '../../base/bytes.ts'
import { isSystemError } from '../../base/errors.ts'
import { replaceFile } from '../../base/replace-file.ts'
import { numberOf, objectOf, parseJson, textOf } from '../json.ts'

/** A document as it was last seen. */
export interface CachedDocument {
  readonly text: string
  readonly etag: string | undefined
  /** When the server last said that it is so, by our clock. */
  readonly seenMs: number
  /** How far our clock was ahead of the server's then. */
  readonly aheadMs: number | undefined
}

/** Documents by their addresses. What cannot be read or written is as if it were not there: it is fetched again. */
export interface DocumentCache {
  read(address: URL): Promise<CachedDocument | undefined>
  write(address: URL, document: CachedDocument): Promise<void>
}

export function openDocumentCache(folder: string): DocumentCache {
  const fileOf = (address: URL) => join(folder, `${createHash('sha256').update(utf8(address.href)).digest('hex')}.json`)
  return {
    async read(address) {
      try {
        return parseCached(await readFile(fileOf(address), 'utf8'))
      } catch (error) {
        if (isSystemError(error)) return undefined
        throw error
      }
    },
    async write(address, document) {
      try {
        await replaceFile(fileOf(address), JSON.stringify(document))
      } catch (error) {
        if (!isSystemError(error)) throw error
      }
    },
  }
}

function parseCached(file: string): CachedDocument | undefined {
  const kept = objectOf(parseJson(file)) ?? {}
  const [text, seenMs] = [textOf(kept.text), numberOf(kept.seenMs)]
  if (text === undefined || seenMs === undefined) return undefined
  return { text, seenMs, etag: textOf(kept.etag), aheadMs: numberOf(kept.aheadMs) }
}
