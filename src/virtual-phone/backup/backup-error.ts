/**
 * A failure that the phone tells the host in its final Response; `code` is of MBErrorDomain.
 * Source: docs/protocol/mobilebackup2.md#errors
 */
export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly code: number
  readonly path: string | undefined
  readonly inner: BackupError | undefined

  constructor(code: number, text: string, { path, inner }: { path?: string; inner?: BackupError } = {}) {
    super(text)
    this.code = code
    this.path = path
    this.inner = inner
  }

  /** `<text>[ at path "<path>"] (MBErrorDomain/<n>)[. Underlying error: <the same again>.]` */
  describe(): string {
    const place = this.path === undefined ? '' : ` at path "${this.path}"`
    const cause = this.inner === undefined ? '' : `. Underlying error: ${this.inner.describe()}.`
    return `${this.message}${place} (MBErrorDomain/${this.code})${cause}`
  }
}

/** The numbers that this phone uses. */
export const MB = {
  internal: 1,
  several: 2,
  exists: 3,
  notFound: 4,
  unparsable: 11,
  badDatabase: 12,
  forbidden: 22,
  cloudRestoreRuns: 25,
  ioError: 100,
  deviceRead: 101,
  deviceWrite: 102,
  hostRead: 103,
  hostWrite: 104,
  hostFull: 105,
  deviceFull: 106,
  unsupported: 203,
  noBackup: 204,
  inconsistent: 205,
  password: 207,
  locked: 208,
  findMyOn: 211,
  notSetUp: 212,
} as const

/** DeviceLink status code to MBErrorDomain code; what is not listed is an I/O error. */
const BY_STATUS = new Map([
  [-1, MB.internal],
  [-6, MB.notFound],
  [-7, MB.exists],
  [-8, 5],
  [-9, 6],
  [-10, 7],
  [-13, MB.several],
  [-15, MB.hostFull],
])

/** What a host's answer with a status other than 0 means. */
export function statusError(status: number, text: string, path?: string): BackupError {
  return new BackupError(
    BY_STATUS.get(status) ?? MB.ioError,
    text || `Status ${status}`,
    path === undefined ? {} : { path },
  )
}

/** The host could not write, make, move or remove something. */
export function hostWriteError(doing: string, inner: BackupError): BackupError {
  const code = inner.code === MB.exists || inner.code === MB.notFound ? MB.inconsistent : MB.hostWrite
  return new BackupError(code, doing, { inner })
}

/** The host could not read something, or what it read is no good. */
export function hostReadError(doing: string, inner: BackupError): BackupError {
  const broken: readonly number[] = [MB.notFound, MB.unparsable, MB.badDatabase]
  return new BackupError(broken.includes(inner.code) ? MB.inconsistent : MB.hostRead, doing, { inner })
}
