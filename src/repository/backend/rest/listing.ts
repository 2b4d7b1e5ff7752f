import { parseId } from '../../format/id.ts'
import type { StoredFileInfo } from '../backend.ts'

/** The answer to a listing in version 2: `[{"name":…,"size":…}]`. Undefined when it is none; names that are no ids are skipped. */
export function parseRestListing(text: string): readonly StoredFileInfo[] | undefined {
  const items = parseArray(text)
  if (items === undefined) return undefined
  const files: StoredFileInfo[] = []
  for (const item of items) {
    if (typeof item !== 'object' || item === null || !('name' in item) || !('size' in item)) return undefined
    const { name, size } = item
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined
    const id = parseId(name)
    if (id !== undefined) files.push({ id, sizeBytes: size })
  }
  return files
}

function parseArray(text: string): readonly unknown[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
