import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../base/clock.ts'
import { isAppError } from '../../base/errors.ts'
import type { Backend, ByteRange, HashedKind, StoredFileInfo, StoredName } from '../backend/backend.ts'
import { type Id, sha256 } from '../format/id.ts'
import { seededBytes } from './bytes.ts'
import { signal } from './restic.ts'

/** A backend with nothing in it, and its end. */
export interface OpenedBackend extends AsyncDisposable {
  readonly backend: Backend
}

const KINDS: readonly HashedKind[] = ['key', 'lock', 'snapshot', 'index', 'pack']
const WHOLE = { offset: 0, length: 1000 }
const bytes = Buffer.from('0123456789')
const id = sha256(bytes)

/** A server that shows what it has of an upload, as no real S3 does, cannot make this claim. */
export const SHOWS_NO_HALVES = 'a save that is aborted in the middle shows nothing, and can be done again'

/** What every backend has to do. `open` gives an empty one for each claim; `without` is a claim that its server cannot make. */
export function backendConformance(
  name: string,
  open: () => Promise<OpenedBackend>,
  { without }: { without?: typeof SHOWS_NO_HALVES } = {},
): void {
  const claim = (sentence: string, work: (backend: Backend) => Promise<void>) => {
    test(`${name}: ${sentence}`, async () => {
      await using opened = await open()
      await opened.backend.prepare({ signal })
      await work(opened.backend)
    })
  }
  for (const kind of KINDS) {
    claim(`a ${kind} is stored, found, read and removed`, (backend) => claimOneOf(backend, kind))
  }
  for (const [sentence, work] of CLAIMS) if (sentence !== without) claim(sentence, work)

  test(`${name}: what was never prepared is empty`, async () => {
    await using opened = await open()
    for (const kind of KINDS) assert.deepEqual(await list(opened.backend, kind), [])
    assert.equal(await load(opened.backend, { kind: 'config' }), undefined)
    assert.equal(await opened.backend.remove({ kind: 'key', id }, { signal }), false)
  })
}

async function claimOneOf(backend: Backend, kind: HashedKind): Promise<void> {
  assert.deepEqual(await list(backend, kind), [])
  await backend.save({ kind, id }, [bytes], { signal })
  assert.deepEqual(await list(backend, kind), [{ id, sizeBytes: 10 }])
  assert.equal(await load(backend, { kind, id }), '0123456789')
  for (const other of KINDS) if (other !== kind) assert.deepEqual(await list(backend, other), [])
  assert.equal(await backend.remove({ kind, id }, { signal }), true)
  assert.deepEqual(await list(backend, kind), [])
  assert.equal(await load(backend, { kind, id }), undefined)
}

async function load(backend: Backend, file: StoredName, range: ByteRange = WHOLE): Promise<string | undefined> {
  const loaded = await backend.load(file, range, { signal })
  return loaded && Buffer.from(loaded).toString()
}

/** A store that tells a time tells one of about now. */
async function list(backend: Backend, kind: HashedKind): Promise<readonly StoredFileInfo[]> {
  const found = await Array.fromAsync(backend.list(kind, { signal }))
  return found.map(({ modifiedMs = systemClock.nowMs(), ...info }) => {
    assert.ok(Math.abs(modifiedMs - systemClock.nowMs()) < 60_000)
    return info
  })
}

/** Stores that many small packs, and gives their ids in order. */
async function saveMany(backend: Backend, count: number): Promise<readonly Id[]> {
  const files = Array.from({ length: count }, (_, n) => Buffer.from(`file ${n}`))
  await Promise.all(files.map((file) => backend.save({ kind: 'pack', id: sha256(file) }, [file], { signal })))
  return files.map(sha256).sort()
}

const CLAIMS: readonly (readonly [string, (backend: Backend) => Promise<void>])[] = [
  [
    'the config has no id',
    async (backend) => {
      assert.equal(await load(backend, { kind: 'config' }), undefined)
      await backend.save({ kind: 'config' }, [bytes], { signal })
      assert.equal(await load(backend, { kind: 'config' }), '0123456789')
      assert.equal(await backend.remove({ kind: 'config' }, { signal }), true)
      assert.equal(await load(backend, { kind: 'config' }), undefined)
    },
  ],
  [
    'pieces are stored one after the other',
    async (backend) => {
      const pieces = [bytes.subarray(0, 3), bytes.subarray(3, 3), bytes.subarray(3)]
      await backend.save({ kind: 'pack', id }, pieces, { signal })
      assert.equal(await load(backend, { kind: 'pack', id }), '0123456789')
    },
  ],
  [
    'a range is what it says, shorter at the end, empty beyond',
    async (backend) => {
      await backend.save({ kind: 'pack', id }, [bytes], { signal })
      assert.equal(await load(backend, { kind: 'pack', id }, { offset: 2, length: 3 }), '234')
      assert.equal(await load(backend, { kind: 'pack', id }, { offset: 0, length: 10 }), '0123456789')
      assert.equal(await load(backend, { kind: 'pack', id }, { offset: 9, length: 1 }), '9')
      assert.equal(await load(backend, { kind: 'pack', id }, { offset: 8, length: 100 }), '89')
      assert.equal(await load(backend, { kind: 'pack', id }, { offset: 10, length: 1 }), '')
      assert.equal(await load(backend, { kind: 'pack', id }, { offset: 2 ** 40, length: 2 ** 40 }), '')
      assert.equal(await load(backend, { kind: 'pack', id }, { offset: 0, length: 0 }), '')
    },
  ],
  [
    'an empty file is a file',
    async (backend) => {
      const empty = sha256(new Uint8Array(0))
      await backend.save({ kind: 'lock', id: empty }, [], { signal })
      assert.deepEqual(await list(backend, 'lock'), [{ id: empty, sizeBytes: 0 }])
      assert.equal(await load(backend, { kind: 'lock', id: empty }, { offset: 0, length: 0 }), '')
    },
  ],
  [
    'a large file comes back as it was, whole and in parts',
    async (backend) => {
      const large = seededBytes(1, 5_000_001)
      const name: StoredName = { kind: 'pack', id: sha256(large) }
      await backend.save(name, [large.subarray(0, 2_500_000), large.subarray(2_500_000)], { signal })
      const whole = await backend.load(name, { offset: 0, length: 2 ** 26 }, { signal })
      assert.equal(whole && sha256(whole), name.id)
      const part = await backend.load(name, { offset: 2_400_000, length: 2_000_000 }, { signal })
      assert.deepEqual(Buffer.from(part ?? []), large.subarray(2_400_000, 4_400_000))
    },
  ],
  [
    'a missing file is an answer',
    async (backend) => {
      assert.equal(await load(backend, { kind: 'pack', id }), undefined)
      assert.equal(await load(backend, { kind: 'pack', id }, { offset: 5, length: 1 }), undefined)
      assert.equal(await load(backend, { kind: 'pack', id }, { offset: 0, length: 0 }), undefined)
      assert.equal(await backend.remove({ kind: 'pack', id }, { signal }), false)
    },
  ],
  [
    'saving again changes nothing',
    async (backend) => {
      await backend.save({ kind: 'index', id }, [bytes], { signal })
      await backend.save({ kind: 'index', id }, [bytes], { signal })
      assert.equal(await load(backend, { kind: 'index', id }), '0123456789')
    },
  ],
  [
    'the same file saved by several at once is there once',
    async (backend) => {
      await Promise.all([1, 2, 3].map(() => backend.save({ kind: 'snapshot', id }, [bytes], { signal })))
      assert.deepEqual(await list(backend, 'snapshot'), [{ id, sizeBytes: 10 }])
      assert.equal(await load(backend, { kind: 'snapshot', id }), '0123456789')
    },
  ],
  [
    'another size under the same name is damage, and the first file stays',
    async (backend) => {
      await backend.save({ kind: 'index', id }, [bytes], { signal })
      const saving = backend.save({ kind: 'index', id }, [bytes, bytes], { signal })
      await assert.rejects(saving, (error) => isAppError(error, 'repo.damaged'))
      assert.equal(await load(backend, { kind: 'index', id }), '0123456789')
    },
  ],
  [
    'removing one leaves the others',
    async (backend) => {
      const [first, ...others] = await saveMany(backend, 5)
      assert.ok(first)
      assert.equal(await backend.remove({ kind: 'pack', id: first }, { signal }), true)
      assert.deepEqual((await list(backend, 'pack')).map((info) => info.id).sort(), others)
    },
  ],
  [
    'preparing again keeps what is there',
    async (backend) => {
      await backend.save({ kind: 'key', id }, [bytes], { signal })
      await backend.prepare({ signal })
      assert.equal(await load(backend, { kind: 'key', id }), '0123456789')
    },
  ],
  [
    'an aborted call rejects with the reason and does nothing',
    async (backend) => {
      const aborted = { signal: AbortSignal.abort(new Error('enough')) }
      await assert.rejects(backend.prepare(aborted), /enough/)
      await assert.rejects(backend.save({ kind: 'pack', id }, [bytes], aborted), /enough/)
      assert.equal(await load(backend, { kind: 'pack', id }), undefined)
      await backend.save({ kind: 'pack', id }, [bytes], { signal })
      await assert.rejects(backend.load({ kind: 'pack', id }, WHOLE, aborted), /enough/)
      await assert.rejects(backend.remove({ kind: 'pack', id }, aborted), /enough/)
      await assert.rejects(Array.fromAsync(backend.list('pack', aborted)), /enough/)
      assert.equal(await load(backend, { kind: 'pack', id }), '0123456789')
    },
  ],
  [
    SHOWS_NO_HALVES,
    async (backend) => {
      const large = seededBytes(2, 3_000_000)
      const name: StoredName = { kind: 'pack', id: sha256(large) }
      const aborting = new AbortController()
      const half = large.subarray(0, 1_500_000)
      const pieces: readonly Uint8Array[] = Object.assign([half, large.subarray(half.length)], {
        [Symbol.iterator]: function* () {
          yield half
          aborting.abort(new Error('in the middle'))
          yield large.subarray(half.length)
        },
      })
      await assert.rejects(backend.save(name, pieces, { signal: aborting.signal }), /in the middle/)
      await backend.save(name, [large], { signal })
      const whole = await backend.load(name, { offset: 0, length: 2 ** 26 }, { signal })
      assert.equal(whole && sha256(whole), name.id)
    },
  ],
  [
    'a listing that is aborted in the middle ends with the reason',
    async (backend) => {
      await saveMany(backend, 8)
      const aborting = new AbortController()
      let seen = 0
      const listing = async () => {
        for await (const _info of backend.list('pack', { signal: aborting.signal })) {
          if (++seen === 3) aborting.abort(new Error('enough'))
        }
      }
      await assert.rejects(listing(), /enough/)
      assert.equal(seen, 3)
    },
  ],
  [
    'a listing may be left early, and one may go on while files come and go',
    async (backend) => {
      const ids = await saveMany(backend, 8)
      for await (const _info of backend.list('pack', { signal })) break
      for await (const info of backend.list('pack', { signal }))
        await backend.remove({ kind: 'pack', ...info }, { signal })
      assert.deepEqual(await list(backend, 'pack'), [])
      assert.equal(ids.length, 8)
    },
  ],
  [
    'many files at once are all there, each with its size',
    async (backend) => {
      const ids = await saveMany(backend, 40)
      const found = await list(backend, 'pack')
      assert.deepEqual(found.map((info) => info.id).sort(), ids)
      assert.equal(
        found.reduce((sum, info) => sum + info.sizeBytes, 0),
        10 * 6 + 30 * 7,
      )
    },
  ],
  [
    'the room that is left is a figure, or unknown',
    async (backend) => {
      const free = await backend.freeBytes({ signal })
      assert.ok(free === undefined || free > 0)
    },
  ],
  [
    'nothing young is taken for a leftover',
    async (backend) => {
      await backend.save({ kind: 'pack', id }, [bytes], { signal })
      assert.equal(await backend.removeLeftovers(0, { signal }), 0)
      assert.equal(await load(backend, { kind: 'pack', id }), '0123456789')
    },
  ],
]
