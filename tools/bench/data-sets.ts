import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '../../src/base/random.ts'
import { seededBytes } from '../../src/repository/testing/bytes.ts'
import { fillMessages, openMessages } from '../../src/repository/testing/message-database.ts'

/** Makes a folder of files to be backed up; the same for the same size. */
export type MakeSet = (folder: string) => void

/** Files of 3 to 5 MB that nothing can make smaller, as photos and videos are. */
export const photos =
  (bytes: number): MakeSet =>
  (folder) => {
    const random = seededRandom(1)
    for (let made = 0, n = 0; made < bytes; n++) {
      const size = 3_000_000 + random.below(2_000_000)
      put(folder, n, seededBytes(n, size))
      made += size
    }
  }

/** Files of 1 to 50 kB, every other one as text that shrinks. */
export const smallFiles =
  (count: number): MakeSet =>
  (folder) => {
    const random = seededRandom(2)
    for (let n = 0; n < count; n++) {
      const size = 1_000 + random.below(49_000)
      put(folder, n, n % 2 === 0 ? seededBytes(n, size) : Buffer.from(settings(n, size)))
    }
  }

function settings(seed: number, size: number): string {
  const random = seededRandom(seed)
  let text = '<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict>\n'
  while (text.length < size)
    text += `  <key>setting ${random.below(1000)}</key><integer>${random.below(1e9)}</integer>\n`
  return text.slice(0, size)
}

/** One database of messages. */
export const database =
  (bytes: number): MakeSet =>
  (folder) => {
    mkdirSync(folder, { recursive: true })
    using messages = openMessages(join(folder, 'sms.db'))
    fillMessages(messages, { bytes, seed: 3 })
  }

/** As in a phone's backup: spread over folders of two digits. */
function put(folder: string, n: number, bytes: Uint8Array): void {
  const parent = join(folder, (n & 255).toString(16).padStart(2, '0'))
  if (n < 256) mkdirSync(parent, { recursive: true })
  writeFileSync(join(parent, `${n}`), bytes)
}
