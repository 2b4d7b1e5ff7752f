import { isAppError } from '../../../base/errors.ts'
import { dictOf, parsePlist } from '../../../plist/index.ts'
import { AfcError } from '../../services/afc/afc-error.ts'
import type { MediaTree } from '../../services/afc/media-tree.ts'

/** Where hosts write, through AFC, which apps are to be installed after a restore: a property list with a key for each. */
const LIST = '/iTunesRestore/RestoreApplications.plist'

/** Bundle IDs; none when there is no such list, or no sense in it. Source: docs/protocol/mobilebackup2.md#restore */
export function readRestoreApplications(media: MediaTree): ReadonlySet<string> {
  try {
    const { bytes } = media.findFile(LIST)
    return new Set(Object.keys(dictOf(parsePlist(bytes.read(0, bytes.size))) ?? {}))
  } catch (error) {
    if (error instanceof AfcError || isAppError(error)) return new Set()
    throw error
  }
}
