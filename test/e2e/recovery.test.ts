import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { onTerminal } from '../testing/on-terminal.ts'
import { phonekeep } from '../testing/phonekeep.ts'
import { restic } from '../testing/restic.ts'
import { PASSWORD } from '../testing/world.ts'

const ENTER = '\r'
const CTRL_C = '\x03'

const folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-recovery-'))
after(() => folder.remove())
const repository = join(folder.path, 'repository')
const state = join(folder.path, 'state')
const env = { RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: PASSWORD, PHONEKEEP_STATE: state }
const made = await phonekeep(['init'], env)
assert.equal(made.exitCode, 0, made.err)

/** The number of each word that the terminal asks for, answered with what `wordOf` says. */
const numbered = (shown: string) =>
  new Map(Array.from(shown.matchAll(/(\d+)\. ([a-z]+)/g), ([, number, word]) => [Number(number), word ?? '']))

async function keysByLabel(): Promise<readonly string[]> {
  const keys: readonly { userName: string; hostName: string }[] = JSON.parse(
    await restic(repository, 'key', 'list', '--json'),
  )
  return keys.map(({ userName, hostName }) => `${userName}@${hostName}`).sort()
}

let words = ''

test('init says that there is a recovery key to be made', () => {
  assert.match(made.out, /phonekeep key recovery/)
})

test('plain restic and the paper open everything', async () => {
  const { exitCode, out, err } = await phonekeep(['key', 'recovery', '--json'], env)
  assert.equal(exitCode, 0, err)
  words = JSON.parse(out).words.join(' ')
  const paper = join(folder.path, 'words.txt')
  await writeFile(paper, `${words}\n`)
  const { stdout } = await promisify(execFile)(
    'restic',
    ['--no-cache', '-r', repository, '--password-file', paper, 'snapshots', '--json'],
    { env: { PATH: process.env.PATH, HOME: folder.path } },
  )
  assert.deepEqual(JSON.parse(stdout) ?? [], [])
  assert.deepEqual(await keysByLabel(), ['phonekeep@phonekeep', 'recovery@paper'])
})

test('we take the words with any case, spaces, line breaks and numbers, from a file, a variable and a command', async () => {
  const paper = join(folder.path, 'sheet.txt')
  const sheet = words
    .toUpperCase()
    .split(' ')
    .map((word, index) => `${index + 1}. ${word}`)
    .join('\n')
  await writeFile(paper, sheet)
  const { RESTIC_PASSWORD: _other, ...without } = env
  for (const ended of await Promise.all([
    phonekeep(['snapshots', '--password-file', paper], without),
    phonekeep(['snapshots', '--password-command', `cat ${paper}`], without),
    phonekeep(['snapshots'], { ...without, RESTIC_PASSWORD: `  ${words.replaceAll(' ', '  ')} ` }),
  ])) {
    assert.equal(ended.exitCode, 0, ended.err)
  }
})

test('pasted into a terminal they may have line breaks, too', async () => {
  const { RESTIC_PASSWORD: _other, ...without } = env
  const pasted = `${words.replaceAll(' ', ENTER)}${ENTER}`
  const ended = await onTerminal(['snapshots'], without, [[/Password of the repository: $/, pasted]])
  assert.equal(ended.exitCode, 0, ended.shown)
  assert.doesNotMatch(ended.shown, new RegExp(words.split(' ').slice(0, 2).join('\\s+')))
})

test('a misread word is told by its place alone', async () => {
  const misread = words.split(' ').with(6, 'qwertz').join(' ')
  const ended = await phonekeep(['snapshots'], { ...env, RESTIC_PASSWORD: misread })
  assert.equal(ended.exitCode, 12)
  assert.match(ended.err, /Word 7 is not in the list.*\n.*\[cli\.recovery-words\]/)
  assert.doesNotMatch(ended.err, new RegExp(`qwertz|${misread.split(' ').slice(0, 2).join(' ')}`))
})

test('there is one recovery key; a new one takes its place only when that is said', async () => {
  const refused = await phonekeep(['key', 'recovery', '--yes'], env)
  assert.deepEqual([refused.exitCode, /\[cli\.recovery-key-exists\]/.test(refused.err)], [1, true])
  const { exitCode, out, err } = await phonekeep(['key', 'recovery', '--replace', '--json'], {
    ...env,
    RESTIC_PASSWORD: words,
  })
  assert.equal(exitCode, 0, err)
  assert.deepEqual(await keysByLabel(), ['phonekeep@phonekeep', 'recovery@paper'])
  assert.equal((await phonekeep(['snapshots'], { ...env, RESTIC_PASSWORD: words })).exitCode, 12)
  words = JSON.parse(out).words.join(' ')
  assert.equal((await phonekeep(['snapshots'], { ...env, RESTIC_PASSWORD: words })).exitCode, 0)
})

test('on a terminal three of the words are asked back, until they are right', async () => {
  let shown = ''
  const answer = (text: string) => {
    shown = text
    const number = Number(/Word (\d+): $/.exec(text)?.[1])
    return `${numbered(shown).get(number)}${ENTER}`
  }
  const asked = /Word \d+: $/
  const ended = await onTerminal(['key', 'recovery', '--replace'], env, [
    [asked, `wrong${ENTER}`],
    [asked, answer],
    [asked, answer],
    [asked, answer],
  ])
  assert.equal(ended.exitCode, 0, ended.shown)
  assert.match(ended.shown, /That is not word/)
  assert.match(ended.shown, /opens nothing any more/)
  assert.equal((await phonekeep(['snapshots'], { ...env, RESTIC_PASSWORD: words })).exitCode, 12)
  words = [...numbered(ended.shown.slice(0, ended.shown.indexOf('Word '))).values()].join(' ')
})

test('whoever breaks off while the words are asked back keeps the old key as well', async () => {
  const ended = await onTerminal(['key', 'recovery', '--replace'], env, [[/Word \d+: $/, CTRL_C]])
  assert.equal(ended.exitCode, 130, ended.shown)
  assert.deepEqual(await keysByLabel(), ['phonekeep@phonekeep', 'recovery@paper', 'recovery@paper'])
  const replaced = await phonekeep(['key', 'recovery', '--replace', '--json'], env)
  assert.equal(replaced.exitCode, 0, replaced.err)
  assert.deepEqual(await keysByLabel(), ['phonekeep@phonekeep', 'recovery@paper'])
})
