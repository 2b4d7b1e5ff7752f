import { systemClock } from '../../base/clock.ts'
import { openWriter } from '../write/writer.ts'
import { seededBytes } from './bytes.ts'
import { reopened, signal } from './restic.ts'

// Stores 3 MB after 3 MB, and prints a dot for each, until somebody kills this process. Argument: the repository's folder.
const [folder] = process.argv.slice(2)
const repository = await reopened(folder ?? '')
await using writer = openWriter(repository, { clock: systemClock, signal })
for (let seed = 0; ; seed++) {
  const file = writer.openFile()
  await file.write(seededBytes(seed, 3_000_000))
  await file.finish()
  process.stdout.write('.')
}
