import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authTagOf } from './auth-tag.ts'
import { authTexts } from './names.ts'

// Source: docs/protocol/wifi.md#auth-tags
const HOST_ID = '11111111-2222-3333-4444-555555555555'
const IDENTIFIER = 'AAECAwQFBgc='

test('the tag for a computer is that of the test vector', () => {
  assert.equal(authTagOf({ hostId: HOST_ID, identifier: IDENTIFIER }), 'YlSEDQfoPpY=')
})

test('the text record has a numbered tag for each computer', () => {
  const texts = authTexts(IDENTIFIER, [HOST_ID, 'B', 'C'])
  assert.deepEqual(texts.slice(0, 2), [`identifier=${IDENTIFIER}`, 'authTag=YlSEDQfoPpY='])
  assert.match(texts[2] ?? '', /^authTag#1=[\w+/]{11}=$/)
  assert.match(texts[3] ?? '', /^authTag#2=[\w+/]{11}=$/)
  assert.notEqual(texts[2]?.slice(10), texts[3]?.slice(10))
})

test('a phone that nobody paired with has no tag', () => {
  assert.deepEqual(authTexts(IDENTIFIER, []), [`identifier=${IDENTIFIER}`])
})
