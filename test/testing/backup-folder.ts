import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileIdOf, openManifestDb } from '../../src/backup-set/index.ts'
import { NEVER } from '../../src/base/abort.ts'
import type { PhoneContents } from '../../src/virtual-phone/index.ts'

/** SHA-256 of every file below a folder, by its path in it. */
export async function hashFolder(folder: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) hashes.set(relative(folder, path), await hashOf(createReadStream(path)))
  }
  return hashes
}

export async function hashOf(blocks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const block of blocks) hash.update(block)
  return hash.digest('hex')
}

/** What a backup of these contents must hold, by path in the backup folder; of files only. */
export async function hashContents(contents: PhoneContents): Promise<Map<string, string>> {
  const hashes = new Map<string, string>()
  for (const entry of contents.entries()) {
    if (entry.kind !== 'file') continue
    const id = fileIdOf(entry)
    hashes.set(join(id.slice(0, 2), id), await hashOf(contents.read(entry, { signal: NEVER })))
  }
  return hashes
}

const BOOKKEEPING = ['Info.plist', 'Manifest.db', 'Manifest.plist', 'Status.plist']

/** Asserts that a backup folder holds exactly these contents, and that its Manifest.db lists them. */
export async function assertHolds(backupFolder: string, contents: ReadonlyMap<string, string>): Promise<void> {
  const found = await hashFolder(backupFolder)
  for (const name of BOOKKEEPING) assert.ok(found.delete(name), `${name} is missing`)
  assert.deepEqual(sorted(found), sorted(contents))
  using manifest = openManifestDb(join(backupFolder, 'Manifest.db'))
  const listed = [...manifest.rows()].filter(({ kind }) => kind === 'file').map(({ fileId }) => fileId)
  assert.deepEqual(listed.toSorted(), [...contents.keys()].map((path) => path.slice(3)).toSorted())
}

function sorted(hashes: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  return [...hashes].toSorted(([left], [right]) => (left < right ? -1 : 1))
}
