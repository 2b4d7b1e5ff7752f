import type { BackupPath } from '../device-link/backup-path.ts'

/** What a backup, a restore or another request can tell while it goes on. Never holds a secret. */
export type BackupEvent =
  /** The phone shows its passcode entry: it waits for a person, about three minutes. */
  | { readonly kind: 'passcode-asked' }
  | { readonly kind: 'passcode-done' }
  /** Two seconds of silence at the start from a phone that asks for its passcode then; after `passcode-asked` it says nothing new. */
  | { readonly kind: 'passcode-likely' }
  /** Nothing was heard for so long: told after 10 s, after a minute and every minute. A phone that scans its files takes many. */
  | { readonly kind: 'quiet'; readonly ms: number }
  /** The person tapped cancel on the phone: abort the run. */
  | { readonly kind: 'cancel-asked' }
  /** The phone's own estimate, 0 to 100. May stand still for long, and step back. */
  | { readonly kind: 'progress'; readonly percent: number }
  /** The phone named the bytes of its next batch of files; an estimate. */
  | { readonly kind: 'batch-started'; readonly bytes: number }
  | { readonly kind: 'file-received'; readonly path: BackupPath; readonly devicePath: string; readonly bytes: number }
  /** The phone could not read this file to its end. `status` is a DeviceLink status, negative. */
  | {
      readonly kind: 'file-unreadable'
      readonly path: BackupPath
      readonly devicePath: string
      readonly status: number
      readonly text: string
    }
  | { readonly kind: 'file-sent'; readonly path: BackupPath; readonly bytes: number }
  | { readonly kind: 'space-asked'; readonly freeBytes: number }
  /** Something that helps but is not needed was refused by the phone; the work goes on. */
  | { readonly kind: 'went-without'; readonly what: string; readonly because: string }

export type OnBackupEvent = (event: BackupEvent) => void
