import assert from 'node:assert/strict'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { NEVER } from '../base/abort.ts'
import { isAppError } from '../base/errors.ts'
import { passwordFromFile, readPassword, repositoryPasswordFromFile } from './passwords.ts'

const NONE = { password: undefined, passwordFile: undefined, passwordCommand: undefined }
const once = { twice: false, signal: NEVER }
const wantsPassword = (error: unknown) => isAppError(error, 'cli.no-password')
const folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-passwords-'))
test.after(() => folder.remove())

async function fileOf(content: string | Uint8Array): Promise<string> {
  const file = join(folder.path, 'password')
  await writeFile(file, content)
  return file
}

test('the password of a repository is taken from a file and from a command as restic takes it', async () => {
  for (const [content, expected] of [
    ['pässwörd 🔑\r\n', 'pässwörd 🔑'],
    ['  two\nlines \n\n', 'two\nlines'],
    ['\ufeffmarked', 'marked'],
    [Buffer.from('\ufeffab\r\n', 'utf16le'), 'ab'],
    [Buffer.from('\ufeffab\r\n', 'utf16le').swap16(), 'ab'],
  ] as const) {
    const file = await fileOf(content)
    const inFile = await readPassword({ ...NONE, passwordFile: file }, once)
    const printed = await readPassword({ ...NONE, passwordCommand: `cat '${file}'` }, once)
    assert.deepEqual([inFile.password.reveal(), printed.password.reveal()], [expected, expected])
    assert.equal((await repositoryPasswordFromFile(file, 'x')).reveal(), expected)
  }
})

test('what is not text is no password: nobody could ever type what a decoder makes of it', async () => {
  for (const content of [Buffer.from('Müller', 'latin1'), Buffer.from('ab', 'utf16le'), Buffer.from([0xff, 0xfe, 0])]) {
    const file = await fileOf(content)
    await assert.rejects(passwordFromFile(file, 'x'), wantsPassword)
    await assert.rejects(readPassword({ ...NONE, passwordFile: file }, once), wantsPassword)
    await assert.rejects(readPassword({ ...NONE, passwordCommand: `cat '${file}'` }, once), wantsPassword)
  }
})
