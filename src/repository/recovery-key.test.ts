import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import fc from 'fast-check'
import {
  isRecoveryKey,
  newRecoveryWords,
  type RecoveryReading,
  readRecoveryWords,
  recoveryLabel,
} from './recovery-key.ts'

/** The test vector of BIP-39 for 256 bits of zeros (github.com/trezor/python-mnemonic, vectors.json). */
const ZEROS = `${'abandon '.repeat(23)}art`

function passwordOf(reading: RecoveryReading): string | undefined {
  return reading.kind === 'words' ? reading.password.reveal() : undefined
}

function slipOf(reading: RecoveryReading): string {
  return reading.kind === 'slip' ? reading.saw : reading.kind
}

test('a new recovery key is 24 words of the list, another one each time, and reads back', () => {
  const words = newRecoveryWords()
  assert.match(words.reveal(), /^([a-z]{3,8} ){23}[a-z]{3,8}$/)
  assert.equal(passwordOf(readRecoveryWords(words.reveal())), words.reveal())
  assert.notEqual(newRecoveryWords().reveal(), words.reveal())
})

test('the words of the standard’s own example are a recovery key', () => {
  assert.equal(passwordOf(readRecoveryWords(ZEROS)), ZEROS)
})

test('case, spaces, line breaks and numbers between the words do not matter', () => {
  const separator = fc.constantFrom(' ', '   ', '\t', '\n', '\r\n', '\u00a0', ', ', ' 7. ', '\n12) ')
  fc.assert(
    fc.property(fc.array(separator, { minLength: 25, maxLength: 25 }), fc.boolean(), (separators, isUpper) => {
      const text = ZEROS.split(' ').reduce(
        (sum, word, index) => `${sum}${isUpper ? word.toUpperCase() : word}${separators[index]}`,
        separators[24] ?? '',
      )
      assert.equal(passwordOf(readRecoveryWords(text)), ZEROS)
    }),
  )
})

test('a misread word is told by its place, a wrong one by the checksum, and neither is repeated', () => {
  const swap = (index: number, word: string) => ZEROS.split(' ').with(index, word).join(' ')
  assert.match(slipOf(readRecoveryWords(swap(6, 'abandom'))), /^Word 7 is not in the list/)
  assert.match(slipOf(readRecoveryWords(swap(6, 'abandom').replace('art', 'ärt'))), /^Words 7 and 24 are not/)
  assert.match(slipOf(readRecoveryWords(swap(6, 'ability'))), /together they are no recovery key/)
  assert.match(slipOf(readRecoveryWords(ZEROS.slice(8))), /24 words; these are 23/)
  for (const text of [swap(6, 'abandom'), swap(6, 'ability')]) {
    assert.doesNotMatch(slipOf(readRecoveryWords(text)), /abando|ability/)
  }
})

test('what is no recovery key is left as it is', () => {
  for (const text of ['', 'correct horse battery staple', 'abandon', 'pässword 123', 'x '.repeat(24)]) {
    assert.equal(readRecoveryWords(text).kind, 'other', text)
  }
})

test('words of the list that do not fit together never pass for a key', () => {
  const word = fc.constantFrom(...wordlist)
  fc.assert(
    fc.property(fc.array(word, { minLength: 12, maxLength: 30 }), (words) => {
      const reading = readRecoveryWords(words.join(' '))
      assert.equal(reading.kind === 'words', words.length === 24 && passwordOf(reading) === words.join(' '))
    }),
  )
})

test('the label tells a recovery key from others', () => {
  assert.ok(isRecoveryKey(recoveryLabel(0)))
  assert.ok(!isRecoveryKey({ username: 'recovery', hostname: 'nas' }))
})
