import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isAppError } from '../../base/errors.ts'
import { parseBackupPath } from './backup-path.ts'

const UDID = '00008120-0008AB48A562DBB5'
const refused = (error: unknown) => isAppError(error, 'wire.bad-frame')

for (const [text, names] of [
  [`${UDID}/Status.plist`, [UDID, 'Status.plist']],
  [UDID, [UDID]],
  [`/${UDID}/Snapshot/ab/abcd`, [UDID, 'Snapshot', 'ab', 'abcd']],
  [`./${UDID}//Snapshot/./ab/`, [UDID, 'Snapshot', 'ab']],
  [`${UDID}-20260102-030405/Info.plist`, [`${UDID}-20260102-030405`, 'Info.plist']],
  [`${UDID}/..a/b..`, [UDID, '..a', 'b..']],
] as const) {
  test(`${JSON.stringify(text)} is a path in the backup`, () => assert.deepEqual(parseBackupPath(text, [UDID]), names))
}

for (const text of [
  '',
  '/',
  '.',
  '..',
  `${UDID}/..`,
  `${UDID}/../${UDID}/x`,
  `${UDID}/Snapshot/../../escaped`,
  '/etc/passwd',
  '/tmp/x',
  'C:/x',
  `${UDID}\\x`,
  `${UDID}/a\\..\\b`,
  `${UDID}/a\0b`,
  `${UDID}/\ud800`,
  `${UDID}X/a`,
  '00008999-000000000000FFFF/Status.plist',
  `${UDID}/${'a'.repeat(4096)}`,
]) {
  test(`${JSON.stringify(text.slice(0, 60))} is not`, () => assert.throws(() => parseBackupPath(text, [UDID]), refused))
}

test('whatever is accepted stays inside, as plain names', () => {
  const piece = fc.constantFrom(UDID, '..', '.', '', '/', '\\', '\0', 'a', 'Snapshot', ' ', '%2e%2e', '-')
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('/'))
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: 'binary' })), (text) => {
      let path: readonly string[]
      try {
        path = parseBackupPath(text, [UDID])
      } catch (error) {
        assert.ok(refused(error))
        return
      }
      assert.ok(path[0] === UDID || path[0]?.startsWith(`${UDID}-`))
      for (const name of path) assert.ok(name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name))
      assert.deepEqual(parseBackupPath(path.join('/'), [UDID]), path)
    }),
  )
})
