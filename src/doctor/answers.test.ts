import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { choicesFor, readReply } from './answers.ts'
import { QUESTIONS } from './engine.ts'

const NOW_MS = Date.parse('2026-11-22T08:00:00Z')
const told = { source: 'person', atMs: NOW_MS } as const
const UNSURE = { kind: 'unread', why: 'unsure' }

test('every question can be answered "I don’t know"', () => {
  for (const question of QUESTIONS) {
    const choices = choicesFor(question)
    const replies = ['', ' ', ...(choices === undefined ? [] : [String(choices.length + 1)])]
    for (const reply of replies) assert.deepEqual(Object.values(readReply(question, reply, NOW_MS) ?? {}), [UNSURE])
  }
})

test('every choice tells something of its fact', () => {
  for (const question of QUESTIONS) {
    for (const index of choicesFor(question)?.keys() ?? []) {
      const [reading] = Object.values(readReply(question, String(index + 1), NOW_MS) ?? {})
      assert.ok(reading?.kind === 'known' || reading?.kind === 'absent', `${question} ${index}`)
    }
  }
})

test('a number chooses an answer', () => {
  assert.deepEqual(readReply('vpn', '1', NOW_MS), { hasVpn: { kind: 'known', value: true, ...told } })
  assert.deepEqual(readReply('message-on-phone', '2', NOW_MS), {
    message: { kind: 'known', value: 'storage-full', ...told },
  })
  assert.deepEqual(readReply('last-backup', '6', NOW_MS), { cloudLastMs: { kind: 'absent', ...told } })
})

test('what is no answer is asked again', () => {
  for (const reply of ['0', '4', '-1', 'maybe', '1.5', '9999']) {
    assert.equal(readReply('vpn', reply, NOW_MS), undefined, reply)
  }
  for (const reply of ['lots', '5 GB', '1 2 3', '4 of 0']) {
    assert.equal(readReply('storage-room', reply, NOW_MS), undefined, reply)
  }
  assert.equal(readReply('ios', 'the newest', NOW_MS), undefined)
  assert.equal(readReply('model', 'a blue one', NOW_MS), undefined)
})

test('room in iCloud and on the phone is read as people type it', () => {
  const room = (reply: string) => {
    const found = readReply('storage-room', reply, NOW_MS)?.cloudRoom
    return found?.kind === 'known' ? [found.value.usedBytes, found.value.totalBytes] : undefined
  }
  assert.deepEqual(room('4.9 GB of 5 GB used'), [4.9e9, 5e9])
  assert.deepEqual(room('4,9 von 5'), [4.9e9, 5e9])
  assert.deepEqual(room('800 MB / 5GB'), [8e8, 5e9])
  assert.deepEqual(room('1,5 von 2 TB'), [1.5e12, 2e12])
  const onPhone = readReply('phone-room', '60 of 64 GB', NOW_MS)?.phoneRoom
  assert.deepEqual(onPhone?.kind === 'known' && onPhone.value, { freeBytes: 4e9, totalBytes: 64e9 })
})

test('models and versions are read as people type them', () => {
  assert.deepEqual(readReply('model', 'iphone 13', NOW_MS), { model: { kind: 'known', value: 'iPhone14,5', ...told } })
  assert.deepEqual(readReply('ios', 'iOS 18,5', NOW_MS), { ios: { kind: 'known', value: '18.5', ...told } })
})

test('no reply breaks anything', () => {
  fc.assert(
    fc.property(fc.constantFrom(...QUESTIONS), fc.string(), (question, reply) => {
      readReply(question, reply, NOW_MS)
    }),
  )
})
