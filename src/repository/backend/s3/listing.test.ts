import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { elementOf, errorCodeOf, parseListing } from './listing.ts'

const WRITTEN = '2026-01-02T03:04:05.000Z'
const object = (key: string, size: string, written = WRITTEN) =>
  `<Contents><Key>${key}</Key><LastModified>${written}</LastModified><Size>${size}</Size></Contents>`
const listing = (inside: string) =>
  `<?xml version="1.0"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</ListBucketResult>`

test('a page has objects, and a token if there are more', () => {
  const last = listing(
    `<IsTruncated>false</IsTruncated>${object('a/b', '1')}${object('c&amp;&#x64;&#101;', '20', 'soon')}`,
  )
  assert.deepEqual(parseListing(last), {
    objects: [
      { key: 'a/b', sizeBytes: 1, modifiedMs: Date.parse(WRITTEN) },
      { key: 'c&de', sizeBytes: 20, modifiedMs: undefined },
    ],
    nextToken: undefined,
  })
  const first = listing('<IsTruncated>true</IsTruncated><NextContinuationToken>a+/&quot;=</NextContinuationToken>')
  assert.deepEqual(parseListing(first), { objects: [], nextToken: 'a+/"=' })
})

test('what is no whole listing is none', () => {
  const whole = listing(`${object('a', '1')}${object('b', '2')}`)
  assert.ok(parseListing(whole))
  for (let length = 0; length < whole.length; length++) assert.equal(parseListing(whole.slice(0, length)), undefined)
  assert.equal(parseListing(listing(object('a', '-1'))), undefined)
  assert.equal(parseListing(listing(object('a', '1e9'))), undefined)
  assert.equal(parseListing(listing('<Contents></Contents>')), undefined)
  assert.equal(parseListing(listing('<IsTruncated>true</IsTruncated>')), undefined)
  assert.equal(parseListing('<html><body>Welcome to the hotel</body></html>'), undefined)
})

test('any text is read without a failure', () => {
  const piece = fc.constantFrom('<Contents>', '<Key>', '</Key>', '<Size>', '</Size>', '&#x110000;', '&', 'a', '7', '<')
  fc.assert(fc.property(fc.array(piece), (pieces) => void parseListing(listing(pieces.join('')))))
})

test('of an error only a code that is one is taken', () => {
  assert.equal(errorCodeOf('<Error><Code>NoSuchKey</Code><Message>AKIA…</Message></Error>'), 'NoSuchKey')
  assert.equal(errorCodeOf('<Error><Code>not a code</Code></Error>'), '')
  assert.equal(errorCodeOf(''), '')
  assert.equal(elementOf('<Region>eu-central-1</Region>', 'Region'), 'eu-central-1')
})
