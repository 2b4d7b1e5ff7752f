import { createHash } from 'node:crypto'
import type { WaitOptions } from '../../base/channel.ts'
import type { Entry } from './entry.ts'
import type { PhoneContents } from './phone-contents.ts'

/** What two phones must have in common to hold the same: everything about an entry but its other times, inode and flags. */
export type EntryDigest = Pick<
  Entry,
  | 'domain'
  | 'relativePath'
  | 'kind'
  | 'mode'
  | 'userId'
  | 'groupId'
  | 'protectionClass'
  | 'modifiedS'
  | 'size'
  | 'target'
> & {
  /** Of a file's bytes, lower-case hex; only for files. */
  readonly sha256?: string
}

/**
 * Everything on the phone, by domain and then by path, with the files' digests: equal lists mean equal phones. Files are read
 * one at a time. Throws `virtual-phone.no-such-file` for one that is removed meanwhile. Abort: rejects.
 */
export async function* digestContents(contents: PhoneContents, { signal }: WaitOptions): AsyncGenerator<EntryDigest> {
  const entries = [...contents.entries()].sort(
    (one, other) => compare(one.domain, other.domain) || compare(one.relativePath, other.relativePath),
  )
  for (const entry of entries) {
    const { domain, relativePath, kind, mode, userId, groupId, protectionClass, modifiedS, size, target } = entry
    const common = { domain, relativePath, kind, mode, userId, groupId, protectionClass, modifiedS, size }
    if (target !== undefined) yield { ...common, target }
    else yield kind === 'file' ? { ...common, sha256: await sha256Of(contents, entry, { signal }) } : common
  }
}

async function sha256Of(contents: PhoneContents, entry: Entry, { signal }: WaitOptions): Promise<string> {
  const digest = createHash('sha256')
  for await (const block of contents.read(entry, { signal })) digest.update(block)
  return digest.digest('hex')
}

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
