import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paceCheckpoints } from './checkpoint-pace.ts'

const MIB = 2 ** 20
const EVERY_BYTES = 2048 * MIB

/** How many files were there at each checkpoint. */
function checkpointsOf(files: number, fileBytes: number): readonly number[] {
  const pace = paceCheckpoints(EVERY_BYTES)
  const made: number[] = []
  for (let file = 1; file <= files; file++) {
    pace.received(fileBytes)
    if (!pace.isDue) continue
    made.push(file)
    pace.made()
  }
  return made
}

test('with few files there is a checkpoint after every so many bytes', () => {
  assert.deepEqual(checkpointsOf(64, 100 * MIB), [21, 42, 63])
})

test('files too small to count by their bytes lead to checkpoints as well', () => {
  assert.equal(checkpointsOf(32_768, 0).length, 1)
})

test('over a million files, checkpoints write a folder’s file a few times each, not a hundred', () => {
  for (const fileBytes of [0, 1000, 100_000, 200_000]) {
    const files = 1_300_000
    const written = checkpointsOf(files, fileBytes).reduce((sum, soFar) => sum + soFar, 0)
    assert.ok(written > files / 2 && written < 7 * files, `${written / files} times for files of ${fileBytes} bytes`)
  }
})
