import { isAppError } from '../../../base/errors.ts'
import { dictOf, type PlistDict, parsePlist } from '../../../plist/index.ts'
import { BackupError, hostReadError, MB } from '../backup-error.ts'
import { downloadSmall, type Run } from '../run.ts'

/** The Info.plist that the host wrote; undefined when it has none. Throws `BackupError` 205 for one that cannot be read. */
export async function readInfo(run: Run, folder: string): Promise<PlistDict | undefined> {
  const path = `${folder}/Info.plist`
  const bytes = await downloadSmall(run, path)
  const info = bytes && parseInfo(bytes)
  if (bytes === undefined || info !== undefined) return info
  throw hostReadError('Error reading Info.plist', new BackupError(MB.unparsable, 'Info.plist cannot be read', { path }))
}

function parseInfo(bytes: Uint8Array): PlistDict | undefined {
  try {
    return dictOf(parsePlist(bytes))
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}
