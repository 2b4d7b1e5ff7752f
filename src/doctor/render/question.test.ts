import assert from 'node:assert/strict'
import { test } from 'node:test'
import { QUESTIONS } from '../engine.ts'
import { speakerFor } from '../texts/speaker.ts'
import { answerTexts, questionLines } from './question.ts'

const english = speakerFor('en', { timeZone: 'UTC' })

test('a question shows its answers with numbers, "I don’t know" the last', () => {
  assert.deepEqual(questionLines('charges-at-night', english, { columns: 80, hasColor: false }), [
    'Does the iPhone charge through most nights?',
    '  1. Yes',
    '  2. No',
    '  3. I don’t know',
    'Type a number and press Return.',
  ])
})

test('a question whose answer is typed gives an example', () => {
  assert.deepEqual(questionLines('ios', english, { columns: 40, hasColor: false }), [
    'Which iOS does it have? Look in the',
    'settings under General, then About.',
    'For example: 18.5',
    'Type your answer and press Return. Leave',
    'it empty if you don’t know.',
  ])
})

test('every question can be asked in both languages, at 40 columns', () => {
  for (const language of ['en', 'de'] as const) {
    const speaker = speakerFor(language, { timeZone: 'UTC', deviceClass: 'iPad' })
    for (const question of QUESTIONS) {
      const lines = questionLines(question, speaker, { columns: 40, hasColor: false })
      assert.ok(lines.length >= 3 && lines.every((line) => line.length <= 40), question)
      const answers = answerTexts(question, speaker)
      assert.equal(new Set(answers).size, answers.length, question)
    }
  }
})
