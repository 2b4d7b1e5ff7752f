import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../../../base/errors.ts'
import { sha256 } from '../../format/id.ts'
import type { ProxyCall } from '../../testing/faulty-proxy.ts'
import { signal } from '../../testing/restic.ts'
import { openScriptedServer, type ScriptedAnswer } from '../../testing/scripted-server.ts'
import { createSkippingClock } from '../../testing/skipping-clock.ts'
import type { Backend, ByteRange, StoredName } from '../backend.ts'
import { parseRestAddress } from '../rest/address.ts'
import { openRestBackend } from '../rest/rest.ts'

const bytes = Buffer.from('0123456789')
const pack: StoredName = { kind: 'pack', id: sha256(bytes) }
const config: StoredName = { kind: 'config' }

function openBackend(origin: string): Backend {
  return openRestBackend(parseRestAddress(origin), { clock: createSkippingClock() })
}

async function loadFrom(answer: () => ScriptedAnswer, range: ByteRange): Promise<string | undefined> {
  await using scripted = await openScriptedServer(answer)
  const loaded = await openBackend(scripted.origin).load(pack, range, { signal })
  return loaded && Buffer.from(loaded).toString()
}

/** Gives the answers one after the other, the last one for ever. */
function inTurn(...answers: readonly ScriptedAnswer[]): () => ScriptedAnswer {
  let next = 0
  return () => answers[Math.min(next++, answers.length - 1)] ?? {}
}

const part = (range: string, body: string): ScriptedAnswer => ({
  status: 206,
  headers: { 'content-range': `bytes ${range}` },
  body,
})
const RIGHT = part('2-4/10', '234')

const WRONG_PARTS: readonly ScriptedAnswer[] = [
  part('2-3/10', '23'),
  part('2-4/10', '23'),
  part('1-3/10', '123'),
  part('3-4/10', '34'),
  part('2-4/*', '234'),
  part('nonsense', '234'),
  { status: 206, body: '234' },
]

for (const wrong of WRONG_PARTS) {
  test(`the part ${JSON.stringify(wrong)} is asked for again when 2-4 was wanted`, async () => {
    assert.equal(await loadFrom(inTurn(wrong, RIGHT), { offset: 2, length: 3 }), '234')
  })
}

test('more than was asked for is cut to what was asked for', async () => {
  assert.equal(await loadFrom(inTurn(part('2-9/10', '23456789')), { offset: 2, length: 3 }), '234')
  assert.equal(await loadFrom(inTurn(part('0-2/3', '012')), { offset: 0, length: 100 }), '012')
})

test('a whole file serves who wants its beginning; for others the server is no use', async () => {
  const whole = inTurn({ body: '0123456789' })
  assert.equal(await loadFrom(whole, { offset: 0, length: 3 }), '012')
  assert.equal(await loadFrom(whole, { offset: 0, length: 100 }), '0123456789')
  await assert.rejects(loadFrom(whole, { offset: 1, length: 3 }), (error) => isAppError(error, 'repo.storage-failed'))
})

/** A store of one server that loses its answer to the first upload, and has then stored something of it. */
async function saveThrough(name: StoredName, stored: Buffer): Promise<{ readonly file: Buffer | undefined }> {
  let file: Buffer | undefined
  let uploads = 0
  await using scripted = await openScriptedServer(({ method, headers, body }: ProxyCall) => {
    if (method === 'POST') {
      file = ++uploads === 1 ? stored : body
      return { status: uploads === 1 ? 502 : 200 }
    }
    if (file === undefined) return undefined
    if (method === 'DELETE') file = undefined
    if (method !== 'GET') return file && { headers: { 'content-length': String(file.length) } }
    assert.match(headers.range ?? '', /^bytes=0-/)
    return file && part(`0-${file.length - 1}/${file.length}`, file.toString())
  })
  await openBackend(scripted.origin).save(name, [bytes], { signal })
  return { file }
}

test('an upload without an answer counts if it is all there, and is repeated if it is not', async () => {
  for (const stored of [bytes, bytes.subarray(0, 4), Buffer.from('9876543210')]) {
    assert.deepEqual((await saveThrough(pack, stored)).file, bytes)
  }
})

test('a config that somebody else wrote meanwhile is left alone', async () => {
  assert.deepEqual((await saveThrough(config, bytes)).file, bytes)
  const saving = saveThrough(config, Buffer.from('9876543210'))
  await assert.rejects(saving, (error) => isAppError(error, 'repo.damaged'))
})

test('a removal without an answer is one, whether or not it happened', async () => {
  for (const hasHappened of [true, false]) {
    let isThere = true
    let removals = 0
    await using scripted = await openScriptedServer(({ method }) => {
      if (method === 'HEAD') return isThere ? { headers: { 'content-length': '10' } } : undefined
      if (++removals > 1 || hasHappened) isThere = false
      return { status: removals === 1 ? 502 : 200 }
    })
    assert.equal(await openBackend(scripted.origin).remove(pack, { signal }), true)
    assert.equal(isThere, false)
  }
})
