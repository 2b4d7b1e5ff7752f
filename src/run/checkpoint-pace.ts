/** Tells when a checkpoint is worth its price, where the phone reaches no commit point of its own for long. */
export interface CheckpointPace {
  /** One more file has come. */
  received(bytes: number): void
  readonly isDue: boolean
  /** A checkpoint was made. */
  made(): void
}

/** To receive a file costs as much as this many of its bytes, whatever its size. */
const FILE_COST_BYTES = 64 * 2 ** 10
/**
 * A checkpoint writes the folders anew that have changed, which in a phone's backup are all: some 100 stored bytes for each file
 * received so far. It waits for this many received bytes for each of them: so checkpoints stay a small part of the work, whatever
 * the number of files, where one every so many bytes would write more for each than the phone has sent since the one before.
 */
const WAIT_BYTES_PER_FILE = 40 * 2 ** 10

/** `everyBytes`: what is received between two checkpoints while files are few. */
export function paceCheckpoints(everyBytes: number): CheckpointPace {
  let files = 0
  let sinceLast = 0
  return {
    received(bytes) {
      files++
      sinceLast += bytes + FILE_COST_BYTES
    },
    get isDue() {
      return sinceLast >= Math.max(everyBytes, files * WAIT_BYTES_PER_FILE)
    },
    made() {
      sinceLast = 0
    },
  }
}
