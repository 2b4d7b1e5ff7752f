import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskFile, type Source } from './source.ts'

/** Numbered files in a temporary folder of this machine; disposing removes it. As a source, a recipe's seed is the file's number. */
export interface FileStore extends Source, AsyncDisposable {
  /** Where the file of that number is, or is to be written. */
  pathOf(number: number): string
}

export async function openFileStore(): Promise<FileStore> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'virtual-phone-files-'))
  const pathOf = (number: number) => join(folder.path, String(number))
  return {
    pathOf,
    blocks: (recipe, options) => diskFile(pathOf(recipe.seed)).blocks(recipe, options),
    [Symbol.asyncDispose]: () => folder.remove(),
  }
}
