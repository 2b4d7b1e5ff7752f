import assert from 'node:assert/strict'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import { isAppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { readBackupPassword } from './backup-password.ts'

const question = 'Password? '
const remedy = 'Set THE_VARIABLE'
const signal = NEVER
const wantsPassword = (error: unknown) => isAppError(error, 'cli.no-password') && error.remedy === remedy

test('a file wins over the environment, and its first line is the password, as it is', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-password-'))
  const file = join(folder.path, 'password')
  const given = new Secret('from the environment')
  for (const [content, expected] of [
    ['pässwörd 🔑\n', 'pässwörd 🔑'],
    [' spaces \r\nmore', ' spaces '],
    ['\ufeffno end of line', 'no end of line'],
  ] as const) {
    await writeFile(file, content)
    assert.equal((await readBackupPassword({ file, given, question, remedy }, { signal })).reveal(), expected)
  }
})

test('the environment is asked where there is no file', async () => {
  const given = new Secret('from the environment')
  assert.equal(await readBackupPassword({ file: undefined, given, question, remedy }, { signal }), given)
})

test('an empty or missing file is told with what to do, and nothing else is tried', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-password-'))
  const empty = join(folder.path, 'empty')
  await writeFile(empty, '\nsecond line')
  for (const file of [empty, join(folder.path, 'nothing')]) {
    await assert.rejects(
      readBackupPassword({ file, given: new Secret('x'), question, remedy }, { signal }),
      wantsPassword,
    )
  }
})
