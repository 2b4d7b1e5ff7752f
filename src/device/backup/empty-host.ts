import type { BackupHost } from './backup-host.ts'

/**
 * A place without any backup, for requests in which the phone may ask for one but needs none: whatever it sends is taken and
 * forgotten.
 */
export function emptyHost(): BackupHost {
  return {
    readFile: async () => undefined,
    list: async () => undefined,
    makeFolder: async () => {},
    async receiveFile(_, blocks) {
      for await (const _block of blocks);
    },
    uploaded: async () => {},
    move: async (moves) => moves.map(({ from }) => from),
    remove: async () => {},
    copy: async () => false,
    freeBytes: async () => 0,
    purge: async () => 0,
  }
}
