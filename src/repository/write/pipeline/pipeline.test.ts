import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { isAppError } from '../../../base/errors.ts'
import { randomMasterKey, Sealer } from '../../format/crypto.ts'
import { sha256 } from '../../format/id.ts'
import type { FinishedPack } from '../../packs/pack.ts'
import { seededBytes } from '../../testing/bytes.ts'
import { resolveLimits, type WriterLimits } from '../limits.ts'
import { Pipeline } from './pipeline.ts'

const sealer = new Sealer(randomMasterKey())
const CHUNK_BYTES = 1 << 20
const BYTES_BEFORE_THREADS = 4 * CHUNK_BYTES

interface Given {
  readonly limits: WriterLimits
  readonly thread?: string
  readonly save?: (pack: FinishedPack) => Promise<void>
}

function openPipeline({ limits, thread, save = async () => {} }: Given) {
  const failed = Promise.withResolvers<unknown>()
  const pipeline = new Pipeline({
    sealer,
    verify: false,
    limits: resolveLimits(limits),
    save,
    onStored: () => {},
    onSpare: () => {},
    fail: failed.resolve,
    thread: thread === undefined ? undefined : new URL(`data:text/javascript,${thread}`),
  })
  return { pipeline, failed: failed.promise }
}

let chunks = 0

/** Puts chunks that there was none of before, for as long as there is room; gives how many bytes that were. */
function fill(pipeline: Pipeline, { bytesMax = Number.POSITIVE_INFINITY } = {}): number {
  let bytes = 0
  for (; bytes < bytesMax && pipeline.hasRoomFor('media', CHUNK_BYTES); bytes += CHUNK_BYTES) {
    const plain = seededBytes(++chunks, CHUNK_BYTES)
    const buffer = Uint8Array.from(plain)
    pipeline.put('media', { id: sha256(plain), buffer, sizeBytes: CHUNK_BYTES })
  }
  return bytes
}

/** The same, until it was so much; waits for room. */
async function fillUpTo(pipeline: Pipeline, bytesMax: number): Promise<void> {
  let bytes = fill(pipeline, { bytesMax })
  while (bytes < bytesMax) {
    await pipeline.change()
    bytes += fill(pipeline, { bytesMax: bytesMax - bytes })
  }
}

/** Workers that are started from now on. */
function watchWorkers(): { readonly workers: readonly Worker[] } & Disposable {
  const workers: Worker[] = []
  const watch = (worker: Worker) => workers.push(worker)
  process.on('worker', watch)
  return { workers, [Symbol.dispose]: () => process.off('worker', watch) }
}

const ENDLESS = 'import {parentPort} from "node:worker_threads"; parentPort.on("message", () => {})'

/** What may become of a thread. */
const DEATHS = {
  'cannot start': 'throw new Error("no")',
  exits: 'process.exit(3)',
  'throws in the middle': 'import {parentPort} from "node:worker_threads"; parentPort.on("message", () => { throw 1 })',
  'runs out of memory': 'const all = []; for (;;) all.push(new Array(1e6).fill(0))',
} as const

for (const [what, thread] of Object.entries(DEATHS)) {
  test(`a thread that ${what} is a clear failure, and nothing waits for it`, async () => {
    const { pipeline, failed } = openPipeline({ limits: { threads: 2 }, thread })
    await fillUpTo(pipeline, 6 * CHUNK_BYTES)
    const died = (error: unknown) => isAppError(error, 'repo.helper-died')
    assert.ok(died(await failed))
    await assert.rejects(pipeline.flush(), died)
    await pipeline[Symbol.asyncDispose]()
  })
}

test('disposal ends threads that are in the middle of something', async () => {
  using watched = watchWorkers()
  const { pipeline } = openPipeline({ limits: { threads: 2 }, thread: ENDLESS })
  await fillUpTo(pipeline, 8 * CHUNK_BYTES)
  const flushed = assert.rejects(pipeline.flush(), /closed/)
  await pipeline[Symbol.asyncDispose]()
  await flushed
  assert.deepEqual(
    watched.workers.map(({ threadId }) => threadId),
    [-1, -1],
  )
})

for (const [inFlightBytesMax, bytes] of [
  [5 * CHUNK_BYTES, 5 * CHUNK_BYTES],
  [1, CHUNK_BYTES],
] as const) {
  test(`no more bytes are in flight than ${inFlightBytesMax}, but for a single blob`, async () => {
    const { pipeline } = openPipeline({ limits: { threads: 1, inFlightBytesMax }, thread: ENDLESS })
    await fillUpTo(pipeline, BYTES_BEFORE_THREADS)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(fill(pipeline), bytes)
    await pipeline[Symbol.asyncDispose]()
  })
}

for (const savingPacksMax of [1, 3]) {
  test(`while ${savingPacksMax} packs are saved nothing more is taken`, async () => {
    const gate = Promise.withResolvers<void>()
    let saving = 0
    const save = () => {
      saving++
      return gate.promise
    }
    const limits = { threads: 0, savingPacksMax, inFlightBytesMax: 2 ** 30 }
    const { pipeline } = openPipeline({ limits, save })
    fill(pipeline)
    assert.equal(saving, savingPacksMax)
    gate.resolve()
    await pipeline.flush()
    await pipeline[Symbol.asyncDispose]()
  })
}

test('there are never more threads than the limit says, and none for a little', async () => {
  using watched = watchWorkers()
  const { pipeline } = openPipeline({ limits: { threads: 2 } })
  await fillUpTo(pipeline, BYTES_BEFORE_THREADS - CHUNK_BYTES)
  await pipeline.flush()
  assert.equal(watched.workers.length, 0)
  await fillUpTo(pipeline, 60 * CHUNK_BYTES)
  await pipeline.flush()
  assert.equal(watched.workers.length, 2)
  await pipeline[Symbol.asyncDispose]()
})
