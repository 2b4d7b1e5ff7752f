import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'

const SOURCE = new URL('../src/repository/write/wasm/rabin.as', import.meta.url)
const MODULE = new URL('../src/repository/write/wasm/rabin.wasm', import.meta.url)
const OPTIONS = '-O3 --noAssert --runtime stub --initialMemory 1 --maximumMemory 1'

/** What the compiler makes of the chunker's source. It takes files that end in `.ts` only, and ours must not: it is no TypeScript. */
export async function buildModule(): Promise<Uint8Array> {
  const source = await readFile(SOURCE, 'utf8')
  let built: Uint8Array | undefined
  const { error, stderr } = await asc.main(['rabin.ts', '-o', 'rabin.wasm', ...OPTIONS.split(' ')], {
    readFile: (name) => (name === 'rabin.ts' ? source : null),
    writeFile: (name, bytes) => {
      if (name === 'rabin.wasm' && typeof bytes !== 'string') built = bytes
    },
    listFiles: () => [],
  })
  if (error !== null || built === undefined) throw new Error(stderr.toString(), { cause: error })
  return built
}

/** The module that is checked in. */
export async function readModule(): Promise<Uint8Array> {
  return await readFile(MODULE)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(MODULE, await buildModule())
