/** Finds where messages begin in bytes that come in pieces: u32 big-endian length, then that many bytes. */
export class FrameMeter {
  #headBytes = 0
  #length = 0
  #bodyLeft = 0

  /** The offsets in this piece at which messages begin. Every piece must be given, once and in order. */
  startsIn(piece: Uint8Array): readonly number[] {
    const starts: number[] = []
    for (let at = 0; at < piece.length; ) {
      if (this.#bodyLeft > 0) {
        const step = Math.min(this.#bodyLeft, piece.length - at)
        this.#bodyLeft -= step
        at += step
        continue
      }
      if (this.#headBytes === 0) starts.push(at)
      this.#readHead(piece[at++]!)
    }
    return starts
  }

  #readHead(byte: number): void {
    this.#length = this.#length * 256 + byte
    if (++this.#headBytes < 4) return
    this.#bodyLeft = this.#length
    this.#headBytes = 0
    this.#length = 0
  }
}
