import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryFolder } from './testing/restic.ts'

const MEASURE = fileURLToPath(new URL('testing/measure-memory.ts', import.meta.url))

/** Bytes for each, of heap and buffers together. Stated in docs/architecture.md. */
const LIMITS = { blob: 62, received: 100, moved: 120, resumed: 120 }

test('a blob of the index and a changed file take no more memory than is promised, also in a run that goes on', async () => {
  await using folder = await temporaryFolder()
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', MEASURE, folder.path])
  const measured: Readonly<Record<string, unknown>> = JSON.parse(stdout)
  for (const [what, bytesMax] of Object.entries(LIMITS)) {
    const bytes = Number(measured[what])
    assert.ok(bytes > 0 && bytes <= bytesMax, `${what}: ${bytes} bytes, at most ${bytesMax}`)
  }
})
