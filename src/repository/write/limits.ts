import { availableParallelism, totalmem } from 'node:os'
import { CHUNK_BYTES_MAX } from './chunker.ts'

/** What a writer may take of a machine. What is left out is chosen by the machine's cores and memory. */
export interface WriterLimits {
  /** Threads that compress, seal and pack; with 0 the caller's thread does it. Each takes some 60 MiB. */
  readonly threads?: number | undefined
  /** Plain bytes on their way into packs; a single blob may have more. */
  readonly inFlightBytesMax?: number | undefined
  /** Packs being saved, of some 16 MiB: while there are as many, nothing more is taken. */
  readonly savingPacksMax?: number | undefined
}

/** The limits, each with a value. */
export type ResolvedLimits = { readonly [Name in keyof WriterLimits]-?: number }

/** While one chunk is packed on each thread another waits for it. */
export function resolveLimits(limits: WriterLimits): ResolvedLimits {
  const threads = limits.threads ?? threadsFor({ cores: availableParallelism(), memoryBytes: memoryBytes() })
  return {
    threads,
    inFlightBytesMax: limits.inFlightBytesMax ?? (threads + 1) * CHUNK_BYTES_MAX,
    savingPacksMax: limits.savingPacksMax ?? Math.max(2, threads),
  }
}

/** More threads than that wait for the one that reads from the phone. */
const THREADS_MAX = 4
const MEMORY_PER_THREAD = 384 * 2 ** 20

/** One for each core, as far as memory goes; none on a machine with one core, where threads would only take turns. */
export function threadsFor({ cores, memoryBytes }: { readonly cores: number; readonly memoryBytes: number }): number {
  if (cores <= 1) return 0
  return Math.max(1, Math.min(cores, THREADS_MAX, Math.floor(memoryBytes / MEMORY_PER_THREAD)))
}

/** Of this machine, or of the container that this is. */
function memoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
}
