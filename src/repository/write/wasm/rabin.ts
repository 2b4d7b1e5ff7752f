import { readFileSync } from 'node:fs'

/** One search with memory of its own. What lies where in the memory: `rabin.as`, from which `rabin.wasm` is built. */
export interface Rabin {
  readonly memory: { readonly buffer: ArrayBuffer }
  /** The first length from `from` to `end` at which there is a cut; 0 if there is none. `from` is at least 64. */
  readonly search: (from: number, end: number) => number
}

/** As much of WebAssembly as is needed here: Node has it, its types do not. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: Rabin }
}

/** Its thousand bytes are compiled each time, which takes less than a millisecond. */
export function instantiateRabin(): Rabin {
  const rabin = new WebAssembly.Module(readFileSync(new URL('rabin.wasm', import.meta.url)))
  return new WebAssembly.Instance(rabin).exports
}
