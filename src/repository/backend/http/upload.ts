import { createHash } from 'node:crypto'
import type { StoredName } from '../backend.ts'

/** A file on its way to a server. */
export interface Upload {
  readonly pieces: readonly Uint8Array[]
  readonly sizeBytes: number
  /** In hexadecimal; the name of every file but the config. */
  readonly sha256: string
  /** In hexadecimal, computed when it is asked for. */
  md5(): string
}

/** The pieces are not copied. */
export function uploadOf(name: StoredName, pieces: readonly Uint8Array[]): Upload {
  return {
    pieces,
    sizeBytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
    sha256: name.kind === 'config' ? digestOf('sha256', pieces) : name.id,
    md5: () => digestOf('md5', pieces),
  }
}

function digestOf(algorithm: string, pieces: readonly Uint8Array[]): string {
  const hash = createHash(algorithm)
  for (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}
