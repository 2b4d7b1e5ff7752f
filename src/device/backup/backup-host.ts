import type { WaitOptions } from '../../base/channel.ts'
import type { BackupPath } from '../device-link/backup-path.ts'

/** One entry of a folder of the backup. */
export interface BackupEntry {
  readonly name: string
  readonly kind: 'file' | 'folder'
  /** 0 for folders. */
  readonly sizeBytes: number
  readonly modifiedMs: number
}

export interface BackupMove {
  readonly from: BackupPath
  readonly to: BackupPath
}

/**
 * The place that a phone's backup is kept in, as the phone drives it: it names a path, the host obeys. One call at a time.
 * An answer the phone can live with is a value; whatever a method throws ends the run with that error and drops the
 * connection, since a phone keeps its means to resume after a drop and loses them after an error answer.
 * Source: docs/protocol/mobilebackup2.md.
 */
export interface BackupHost {
  /** The file's content in pieces of any size, or undefined when there is no such file (normal for a first backup). */
  readFile(path: BackupPath, options: WaitOptions): Promise<AsyncIterable<Uint8Array> | undefined>
  /** Every entry of one folder, in any order; undefined when there is no such folder. The phone trusts it: it must be true. */
  list(path: BackupPath, options: WaitOptions): Promise<Iterable<BackupEntry> | undefined>
  /** Makes the folder and its parents; one that exists stays as it is. */
  makeFolder(path: BackupPath, options: WaitOptions): Promise<void>
  /**
   * Stores one file, replacing what was there. Reads `blocks` to the end; a file without blocks is an empty file. When the
   * phone itself cannot read the file to its end, `blocks` throws `device.file-unreadable`: forget the piece and let that
   * error through; the run goes on with the next file. A block belongs to the host.
   */
  receiveFile(path: BackupPath, blocks: AsyncIterable<Uint8Array>, options: WaitOptions): Promise<void>
  /**
   * The files of one upload message are all here; the phone hears "stored" when this resolves. When `<UDID>/Status.plist` is
   * among them, everything received so far must be durable before: those are the phone's commit points.
   */
  uploaded(paths: readonly BackupPath[], options: WaitOptions): Promise<void>
  /** Moves in the given order, replacing targets, making their parents. Resolves to those sources, as given, that were missing. */
  move(moves: readonly BackupMove[], options: WaitOptions): Promise<readonly BackupPath[]>
  /** Removes files, and folders with all they hold. What is missing is no failure. */
  remove(paths: readonly BackupPath[], options: WaitOptions): Promise<void>
  /** Copies a file or a whole folder. Resolves to false when the source is missing. */
  copy(copy: BackupMove, options: WaitOptions): Promise<boolean>
  /** Room for this backup, bytes. The phone ends the run before it sends anything when this is too small. */
  freeBytes(options: WaitOptions): Promise<number>
  /** Makes room if it can; resolves to the bytes that became free, 0 when none. The phone asks `freeBytes` again. */
  purge(bytes: number, options: WaitOptions): Promise<number>
}
