import { Worker } from 'node:worker_threads'
import { AppError } from '../../../base/errors.ts'
import { helperDied } from '../../errors.ts'
import type { Answers, Reply, Request, ThreadData } from './messages.ts'
import type { Seat, SeatOptions } from './seat.ts'

/** What a packer needs is small; its buffers do not count here. */
const HEAP_MEGABYTES = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 8 }

const THREAD = new URL('thread.ts', import.meta.url)

/**
 * Packs on a thread of its own, which ends with the seat. Whatever ends it earlier (`repo.helper-died`, or `repo.damaged` where a
 * blob did not read back) is what every call rejects with. `thread` is the module that runs there.
 */
export function openThreadSeat(options: SeatOptions, thread: URL = THREAD): Seat {
  const workerData: ThreadData = { key: options.sealer.masterKey, verify: options.verify }
  const worker = new Worker(thread, { workerData, name: 'packer', resourceLimits: HEAP_MEGABYTES })
  return new ThreadSeat(worker, options.onPack)
}

type Answer = Answers[keyof Answers]

class ThreadSeat implements Seat {
  readonly #worker: Worker
  readonly #onPack: SeatOptions['onPack']
  /** Whose questions were not answered yet, in the order of asking. */
  readonly #waiting: { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void }[] = []
  #failure: Error | undefined

  constructor(worker: Worker, onPack: SeatOptions['onPack']) {
    this.#worker = worker
    this.#onPack = onPack
    this.#worker.on('message', (reply: Reply) => this.#take(reply))
    this.#worker.on('messageerror', (error) => this.#fail(helperDied(error)))
    this.#worker.on('error', (error) => this.#fail(helperDied(error)))
    this.#worker.on('exit', (code) => this.#fail(helperDied(`exit code ${code}`)))
  }

  pack: Seat['pack'] = (batch) => this.#ask({ ask: 'pack', batch }, [batch.buffer])
  find: Seat['find'] = (type, id) => this.#ask({ ask: 'find', type, id })
  takeLeftovers: Seat['takeLeftovers'] = () => this.#ask({ ask: 'leftovers' })

  reuse(buffer: ArrayBuffer): void {
    this.#worker.postMessage({ ask: 'reuse', buffer } satisfies Request, [buffer])
  }

  async #ask<Question extends Request & { readonly ask: keyof Answers }>(
    request: Question,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<Answers[Question['ask']]> {
    if (this.#failure !== undefined) throw this.#failure
    const { promise, resolve, reject } = Promise.withResolvers<Answers[Question['ask']]>()
    // Answers come in the order of the questions, so that this one is of the right kind.
    this.#waiting.push({ resolve: resolve as (answer: Answer) => void, reject })
    this.#worker.postMessage(request, transfer)
    return await promise
  }

  #take(reply: Reply): void {
    if (reply.kind === 'answer') this.#waiting.shift()?.resolve(reply.answer)
    else if (reply.kind === 'pack') this.#onPack(reply.pack)
    else this.#fail(new AppError(reply.code, reply.message, { remedy: reply.remedy }))
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new Error('The packer was closed'))
    await this.#worker.terminate()
  }
}
