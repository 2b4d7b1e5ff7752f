import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Answers, answer, EXAMPLES, UNSURE } from './answers.ts'
import { diagnose } from './diagnose.ts'
import { type Facts, known, reading } from './facts.ts'
import type { Trial } from './history.ts'
import { nextQuestion } from './interview.ts'
import { QUESTION_FACTS } from './question-facts.ts'
import { QUESTIONS, type QuestionId } from './questions.ts'
import { ago, CONTENT, error, madeFacts, NOW, STALE, WELL } from './testing/made-facts.ts'

/** Asks until there is nothing left to ask; questions without a reply are answered with "I don't know". */
function interview(
  facts: Facts,
  replies: Partial<Answers>,
): { readonly asked: readonly QuestionId[]; readonly facts: Facts } {
  const asked: QuestionId[] = []
  let said = facts
  for (let question = nextQuestion(said); question !== undefined; question = nextQuestion(said)) {
    assert.ok(!asked.includes(question), `${question} is asked twice`)
    asked.push(question)
    said = answer(said, question, replies[question] ?? UNSURE)
  }
  return { asked, facts: said }
}

const NOBODY = madeFacts({})

test('a person without a phone at hand comes to a cause in a few questions', () => {
  const { asked, facts } = interview(NOBODY, {
    'device-class': 'iPhone',
    ios: '18.5',
    switch: true,
    'last-backup': ago(45),
    'storage-room': { usedBytes: 4.9e9, totalBytes: 5e9 },
  })
  assert.deepEqual(asked, ['device-class', 'ios', 'switch', 'last-backup', 'storage-room'])
  const { verdict, cause, nextStep } = diagnose(facts)
  assert.deepEqual([verdict.icloud, cause, nextStep?.remedy], ['problem', 'storage-full', 'free-cloud-room'])
})

test('a person whose phone backs up is asked no more', () => {
  const { asked, facts } = interview(NOBODY, {
    'device-class': 'iPad',
    ios: '27.1',
    switch: true,
    'last-backup': NOW - 3_600_000,
  })
  assert.deepEqual(asked, ['device-class', 'ios', 'switch', 'last-backup'])
  assert.equal(diagnose(facts).verdict.icloud, 'healthy')
})

test('a person who knows nothing is asked everything once, and still told what to try', () => {
  const { asked, facts } = interview(madeFacts({ ...STALE }), {})
  assert.deepEqual(asked.slice(0, 3), ['storage-room', 'message-on-phone', 'charges-at-night'])
  assert.equal(diagnose(facts).nextStep?.remedy, 'back-up-now')
})

test('what the phone has told is not asked', () => {
  const { asked } = interview(madeFacts(STALE), {})
  for (const question of ['switch', 'last-backup', 'signed-in', 'managed', 'phone-room', 'ios', 'model'] as const) {
    assert.ok(!asked.includes(question), question)
  }
})

test('nothing is asked of a healthy phone, nor where the cause is clear', () => {
  assert.equal(nextQuestion(madeFacts(WELL)), undefined)
  assert.equal(nextQuestion(madeFacts({ ...STALE, cloudSwitch: false })), undefined)
  assert.equal(nextQuestion(madeFacts({ ...STALE, cloudErrors: [error(303)] })), undefined)
})

test('what cannot be read is asked for', () => {
  const facts = madeFacts({ ...STALE, cloudSwitch: { unread: 'refused' }, cloudLastMs: { unread: 'refused' } })
  assert.equal(nextQuestion(facts), 'switch')
})

test('Screen Time is asked about only when something is grey', () => {
  const withGrey = interview(
    madeFacts({ ...STALE, ...CONTENT, message: 'switch-is-grey', hasScreenTimeLock: { unread: 'not-asked' } }),
    {},
  )
  const without = interview(madeFacts({ ...STALE }), { 'message-on-phone': 'none' })
  assert.ok(withGrey.asked.includes('screen-time'))
  assert.ok(!without.asked.includes('screen-time'))
})

test('before signing out, it is asked what signing out could lose', () => {
  const facts = madeFacts({ ...STALE, accountWantsAttention: true })
  const history: readonly Trial[] = [{ remedy: 'confirm-account', cause: 'account-wants-attention', atMs: ago(2) }]
  assert.equal(diagnose(facts, history).nextStep?.leadsTo, 'sign-out-and-in')
  const asked = madeFacts({
    ...STALE,
    ...CONTENT,
    accountWantsAttention: true,
    hasAdvancedDataProtection: { unread: 'not-asked' },
  })
  assert.equal(diagnose(asked, history).question, 'data-protection')
  const said = answer(asked, 'data-protection', true)
  assert.notEqual(diagnose(said, history).nextStep?.leadsTo, 'sign-out-and-in')
})

test('how Back Up Now went is asked after it was tapped, and an answer decides', () => {
  const facts = madeFacts({ ...STALE, ...CONTENT })
  const history: readonly Trial[] = [{ remedy: 'back-up-now', cause: undefined, atMs: NOW - 60_000 }]
  assert.equal(diagnose(facts).question, undefined)
  assert.equal(diagnose(facts, history).question, 'backup-now-result')
  const failed = { ...answer(facts, 'backup-now-result', 'failed'), nowMs: NOW }
  assert.equal(diagnose(failed, history).nextStep?.remedy, 'restart-phone')
})

test('any answer to any question is taken, and the question is not put again', () => {
  fc.assert(
    fc.property(fc.constantFrom(...QUESTIONS), fc.nat(20), (question, which) => {
      const facts = madeFacts({ reach: { unread: 'no-phone' } })
      const examples = EXAMPLES[question](facts)
      const said = answer(facts, question, examples[which] ?? UNSURE)
      assert.notEqual(nextQuestion(said), question)
      assert.notEqual(reading(said, QUESTION_FACTS[question]).kind === 'unread', which < examples.length)
    }),
  )
})

test('an interview ends, whatever is answered', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: QUESTIONS.length, maxLength: QUESTIONS.length }), (choices) => {
      const replies = Object.fromEntries(
        QUESTIONS.map((question, at) => [question, EXAMPLES[question](NOBODY)[choices[at] ?? 0]]),
      )
      const { asked } = interview(NOBODY, replies)
      assert.ok(asked.length <= QUESTIONS.length)
    }),
    { numRuns: 50 },
  )
})

test('that no backup was ever made is an answer', () => {
  const said = answer(NOBODY, 'last-backup', 'never')
  assert.equal(reading(said, 'cloudLastMs').kind, 'absent')
  assert.equal(known(answer(NOBODY, 'managed', true), 'management')?.isSupervised, true)
})
