import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder, namingPath, syncFolder } from './folders.ts'
import { randomUuid } from './random.ts'

/**
 * Puts a file for this user only in the place of whatever has that name, in one step: others see the old one or the whole new
 * one. Its folder is made when needed. Durable when it resolves. Throws what the system refuses, and
 * leaves no draft behind.
 */
export async function replaceFile(path: string, data: Uint8Array | string): Promise<void> {
  const folder = dirname(path)
  const made = await makeFolder(folder)
  const draft = `${path}.${randomUuid()}.tmp`
  try {
    await namingPath(path, () => writeDraft(draft, data))
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  for (const changed of new Set([folder, ...made.map((name) => dirname(name))])) await syncFolder(changed)
}

async function writeDraft(draft: string, data: Uint8Array | string): Promise<void> {
  await using file = await open(draft, 'wx', 0o600)
  await file.writeFile(data)
  await file.sync()
}
