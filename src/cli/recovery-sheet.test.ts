import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newRecoveryWords } from '../repository/index.ts'
import { sheetLines } from './recovery-sheet.ts'

for (const columns of [40, 80]) {
  test(`the sheet fits ${columns} columns, and has every word beside its number`, () => {
    const words = newRecoveryWords()
    const lines = sheetLines(words, { location: '/srv', columns })
    const command = lines.join('\n').replace(/ \\\n +/, ' ')
    for (const line of lines) assert.ok(line.length <= columns, line)
    assert.match(command, /^ {2}restic -r \/srv --password-file words\.txt snapshots$/m)
    for (const [index, word] of words.reveal().split(' ').entries()) {
      assert.match(lines.join('\n'), new RegExp(`(^|\\D)${index + 1}\\. ${word}\\b`))
    }
  })
}

test('a place with spaces is one word of the shell', () => {
  const lines = sheetLines(newRecoveryWords(), { location: "/srv/ana's phone", columns: 100 })
  assert.ok(lines.includes("  restic -r '/srv/ana'\\''s phone' --password-file words.txt snapshots"))
})
