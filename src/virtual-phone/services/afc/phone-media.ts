import type { Clock } from '../../../base/clock.ts'
import type { FileLock } from './file-lock.ts'
import { MediaTree } from './media-tree.ts'

/** The folders that the media folder of a phone in use has. */
export function createMedia(clock: Clock): MediaTree {
  const media = new MediaTree({ clock })
  for (const path of [
    'Books',
    'DCIM/100APPLE',
    'Downloads',
    'PhotoData',
    'PublicStaging',
    'Recordings',
    'iTunes_Control/iTunes',
  ]) {
    media.makeFolder(path)
  }
  return media
}

/** The file that programs lock while they sync. Source: docs/protocol/small-services.md#afc */
const SYNC_LOCK = 'com.apple.itunes.lock_sync'

/** Another program on some computer. While it syncs, its lock is in the way of everybody else's. */
export class OtherProgram {
  readonly #media: MediaTree
  #lock: FileLock | undefined

  constructor(media: MediaTree) {
    this.#media = media
  }

  /** It waits for nobody: who has the lock keeps it. */
  follow({ isSyncing }: { isSyncing: boolean }): void {
    if (isSyncing) {
      this.#lock = this.#media.makeFile(SYNC_LOCK).lock
      this.#lock.take(this, { exclusive: true })
    } else this.#lock?.release(this)
  }
}
