import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededBytes } from '../testing/bytes.ts'
import { HEAD_BYTES, policyFor } from './chunk-policy.ts'

/** The header of a database: page size at 16, number of pages at 28. Source: docs/protocol/restic-repository.md#chunks-of-databases. */
function sqliteHead({ pageBytes, pages }: { pageBytes: number; pages: number }): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.write('SQLite format 3\0', 'latin1')
  head.writeUInt16BE(pageBytes === 65_536 ? 1 : pageBytes, 16)
  head.writeUInt32BE(pages, 28)
  return head
}

const KIB = 1024
const MEDIA = { sort: 'media', blobBytes: undefined }

test('a database is cut at multiples of its pages: 32 KiB, or 64 KiB from 1 GiB on', () => {
  const cases = [
    { pageBytes: 512, pages: 10, blobBytes: 32 * KIB },
    { pageBytes: 4096, pages: 0, blobBytes: 32 * KIB },
    { pageBytes: 4096, pages: 262_143, blobBytes: 32 * KIB },
    { pageBytes: 4096, pages: 262_144, blobBytes: 64 * KIB },
    { pageBytes: 65_536, pages: 3, blobBytes: 64 * KIB },
  ]
  for (const { blobBytes, ...header } of cases) {
    assert.deepEqual(policyFor(sqliteHead(header)), { sort: 'churn', blobBytes }, JSON.stringify(header))
  }
})

test('what only begins like a database is cut like anything else', () => {
  const whole = sqliteHead({ pageBytes: 4096, pages: 3 })
  assert.deepEqual(policyFor(whole.subarray(0, HEAD_BYTES - 1)), MEDIA)
  for (const pageBytes of [0, 3, 256, 5000]) assert.deepEqual(policyFor(sqliteHead({ pageBytes, pages: 3 })), MEDIA)
})

test('property lists and logs of databases lie with what changes, all else with what stays', () => {
  for (const magic of [Buffer.from('bplist00'), Buffer.from('<?xml version'), Buffer.from('377f0682002de218', 'hex')]) {
    assert.deepEqual(policyFor(Buffer.concat([magic, seededBytes(1, 92)])), { sort: 'churn', blobBytes: undefined })
  }
  for (const head of [Buffer.alloc(0), Buffer.from('b'), Buffer.from('ffd8ffe0', 'hex'), seededBytes(2, HEAD_BYTES)]) {
    assert.deepEqual(policyFor(head), MEDIA)
  }
})
