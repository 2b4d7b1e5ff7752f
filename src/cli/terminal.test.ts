import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../base/clock.ts'
import { openProgress, table } from './terminal.ts'
import { widthOf } from './words.ts'

test('a bar keeps to the line, whatever the name and however the window is changed meanwhile', () => {
  const drawn: string[] = []
  const terminal = {
    out: () => {},
    tell: () => {},
    err: () => {},
    isOutGone: false,
    draw: (line: string) => drawn.push(line),
  }
  for (const name of ['Ana', 'アイフォーンのなまえ', '📱'.repeat(40)]) {
    let columns = 0
    const progress = openProgress(
      {
        ...terminal,
        get columns() {
          return columns
        },
      },
      systemClock,
    ) // prettier-ignore
    for (columns of [100, 60, 40, 30]) {
      progress.show({ doing: `${name} is sending, ${columns}`, fraction: 0.5, amount: '1,234 files, 5.6 GiB' })
      assert.ok(widthOf(drawn.at(-1) ?? '') < columns, drawn.at(-1))
    }
  }
  assert.equal(drawn.length, 12)
})

test('columns stand under each other, whatever is in them', () => {
  const lines = table([
    ['Name', 'iOS'],
    ['日本語', '18.5'],
    ['Zoë 📱', '27.0'],
  ])
  assert.deepEqual(lines, ['Name    iOS', '日本語  18.5', 'Zoë 📱  27.0'])
})
