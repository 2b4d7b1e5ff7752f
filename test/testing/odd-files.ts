import type { PhoneContents } from '../../src/virtual-phone/index.ts'

const NAMES: readonly string[] = [
  'Émile 🧑‍👩‍👧 (NFC).txt',
  'Émile (NFD).txt'.normalize('NFD'),
  'a "quoted" \\ name\nwith a line end.txt',
  `${'long'.repeat(60)}.txt`,
  '-rf .',
]

/** Around the blocks of AES, and of what is read and sent at once. */
const SIZES: readonly number[] = [0, 1, 15, 16, 17, 256 * 1024, 256 * 1024 + 1]

/** Seconds since 1970: before it, at it, and beyond 32 bits. */
const TIMES: readonly number[] = [-86_400, 0, 2 ** 33]

/** In the upper bits of `st_mode`. */
const FILE_TYPE = 0o100000

/** Puts files on the phone whose names, sizes, times, modes or protection are at an edge. */
export function addOddFiles(contents: PhoneContents): void {
  for (const name of NAMES) contents.write(placeOf(name), Buffer.from(name))
  for (const size of SIZES) contents.write(placeOf(`${size} bytes`), Buffer.alloc(size, 'odd '))
  for (const modifiedS of TIMES) put(contents, `${modifiedS} seconds`, { modifiedS })
  for (const protectionClass of [1, 2, 3, 4]) put(contents, `class ${protectionClass}`, { protectionClass })
  for (const mode of [0o000, 0o400, 0o7777]) put(contents, `mode ${mode.toString(8)}`, { mode })
}

const placeOf = (name: string) => ({ domain: 'AppDomain-org.example.odd', relativePath: `Documents/${name}` })

function put(
  contents: PhoneContents,
  name: string,
  { modifiedS = 1_700_000_000, mode = 0o644, protectionClass = 3 },
): void {
  const bytes = Buffer.from(name)
  contents.put({
    ...placeOf(name),
    traits: { kind: 'file', mode: FILE_TYPE | mode, userId: 501, groupId: 501, protectionClass, flags: 0 },
    modifiedS,
    source: { blocks: () => [bytes] },
    seed: 0,
    size: bytes.length,
  })
}
