import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { isAppError } from '../../base/errors.ts'
import type { Backend } from '../backend/backend.ts'
import { checkRepository } from '../check/check.ts'
import type { BlobId } from '../format/id.ts'
import { openRepository, type Repository } from '../repository.ts'
import { seededBytes } from '../testing/bytes.ts'
import { memoryRepository, openedAgain } from '../testing/repositories.ts'
import { clock, PASSWORD, signal } from '../testing/restic.ts'
import { openWriter, type RepositoryWriter } from './writer.ts'

const options = { signal }

async function store(writer: RepositoryWriter, bytes: Uint8Array): Promise<readonly BlobId[]> {
  const file = writer.openFile()
  await file.write(bytes)
  return (await file.finish()).content
}

/** Large and small files, of every sort. */
const FILES: readonly Uint8Array[] = [
  ...Array.from({ length: 12 }, (_, n) => seededBytes(n, 3_000_000)),
  ...Array.from({ length: 3000 }, (_, n) => seededBytes(100 + n, 1 + ((n * 37) % 9000))),
  Buffer.from('text that shrinks. '.repeat(300_000)),
  new Uint8Array(5_000_000),
]

async function contentOf(repository: Repository, content: readonly BlobId[]): Promise<Buffer> {
  return Buffer.concat(await Promise.all(content.map((id) => repository.loadBlob('data', id, options))))
}

for (const threads of [0, 1, 3]) {
  test(`with ${threads} threads everything is stored, once, and reads back`, async () => {
    const { repository, backend } = await memoryRepository()
    await using writer = openWriter(repository, { clock, signal, limits: { threads } })
    const files: (readonly BlobId[])[] = []
    for (const bytes of FILES) files.push(await store(writer, bytes))
    for (const bytes of FILES) await store(writer, bytes)
    await writer.flush(options)
    assert.equal(writer.stats.dataBlobs, new Set(files.flat()).size)
    const again = await openedAgain(backend)
    for (const [n, content] of files.entries()) assert.ok((await contentOf(again, content)).equals(FILES[n]!))
    assert.deepEqual((await checkRepository(again, { readData: true, signal })).findings, [])
  })
}

test('what is on its way through a thread can be read at every moment', async () => {
  const { repository } = await memoryRepository()
  await using writer = openWriter(repository, { clock, signal, limits: { threads: 2 } })
  for (let n = 0; n < 20; n++) {
    const bytes = seededBytes(n, 2_500_000)
    const [first, second] = [await store(writer, bytes), await store(writer, seededBytes(1000 + n, 500))]
    const read = await Promise.all(first.map((id) => writer.loadBlob('data', id, options)))
    assert.ok(Buffer.concat(read).equals(bytes))
    assert.equal((await writer.loadBlob('data', second[0]!, options)).length, 500)
  }
})

test('a thread that ends in the middle of a run ends the run with a clear error', async () => {
  const { repository } = await memoryRepository()
  process.once('worker', (worker: Worker) => void worker.terminate())
  await using writer = openWriter(repository, { clock, signal, limits: { threads: 1 } })
  const died = (error: unknown) => isAppError(error, 'repo.helper-died')
  await assert.rejects(store(writer, seededBytes(1, 40_000_000)), died)
  await assert.rejects(writer.flush(options), died)
  await assert.rejects(store(writer, Buffer.from('more')), died)
})

test('an abort ends at once whatever waits for threads or for a disk, and leaves no thread behind', async () => {
  const { backend } = await memoryRepository()
  const save: Backend['save'] = async (_name, _pieces, { signal }) => {
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }
  const repository = await openRepository({ ...backend, save }, { password: PASSWORD, signal })
  const workers: Worker[] = []
  const watch = (worker: Worker) => workers.push(worker)
  process.on('worker', watch)
  const abort = new AbortController()
  {
    await using writer = openWriter(repository, { clock, signal: abort.signal, limits: { threads: 2 } })
    const writing = store(writer, seededBytes(2, 200_000_000))
    while (workers.length < 2) await new Promise((resolve) => setImmediate(resolve))
    const flushing = writer.flush(options)
    abort.abort(new Error('enough'))
    await assert.rejects(writing, /enough/)
    await assert.rejects(flushing, /enough/)
  }
  process.off('worker', watch)
  assert.deepEqual(
    workers.map(({ threadId }) => threadId),
    workers.map(() => -1),
  )
})
