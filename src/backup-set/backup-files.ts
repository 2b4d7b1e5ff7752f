/** Where the files of one backup come from: a folder on disk, a snapshot in a repository, … */
export interface BackupFiles {
  /**
   * A file by its path within the backup's folder, such as `Manifest.db` or `ab/abcdef…`; undefined when there is none.
   * Nothing is held open before `content` is read or after it was left.
   */
  open(path: string, options: { signal: AbortSignal }): Promise<BackupFile | undefined>
}

export interface BackupFile {
  readonly bytes: number
  /** May be read once, in pieces of a bounded size. */
  readonly content: AsyncIterable<Uint8Array>
}
