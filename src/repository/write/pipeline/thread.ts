import assert from 'node:assert/strict'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { AppError } from '../../../base/errors.ts'
import { Sealer } from '../../format/crypto.ts'
import type { Answers, Reply, Request, ThreadData } from './messages.ts'
import { type Leftover, Packer } from './packer.ts'
import { packBatch } from './seat.ts'

// The thread of one packer. It ends when it is told to, or with the first thing that nobody foresaw.
assert(parentPort !== null)
const port: MessagePort = parentPort
const { key, verify } = workerData as ThreadData

const packer = new Packer({
  sealer: new Sealer(key),
  verify,
  onPack: (pack) => send({ kind: 'pack', pack }, [pack.body.buffer]),
})

port.on('message', (request: Request) => {
  try {
    perform(request)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const { code, message, remedy } = error
    send({ kind: 'failed', code, message, remedy }, [])
  }
})

function perform(request: Request): void {
  if (request.ask === 'pack') answer(packBatch(packer, request.batch), [request.batch.buffer])
  else if (request.ask === 'find') answer(packer.find(request.type, request.id), [])
  else if (request.ask === 'reuse') packer.reuse(request.buffer)
  else answerLeftovers(packer.takeLeftovers())
}

function answerLeftovers(leftovers: readonly Leftover[]): void {
  const bodies = leftovers.map(({ body }) => body.buffer)
  answer(leftovers, bodies)
}

function answer(answer: Answers[keyof Answers], transfer: ArrayBuffer[]): void {
  send({ kind: 'answer', answer }, transfer)
}

function send(reply: Reply, transfer: ArrayBuffer[]): void {
  port.postMessage(reply, transfer)
}
