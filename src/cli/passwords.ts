import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { promisify } from 'node:util'
import { AppError, isAppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { readRecoveryWords } from '../repository/index.ts'
import { badUsage, type CliErrorCode, interrupted } from './errors.ts'

export interface PasswordSources {
  readonly password: Secret | undefined
  readonly passwordFile: string | undefined
  readonly passwordCommand: string | undefined
}

/** A password of a repository, as somebody gave it. */
export interface GivenPassword {
  readonly password: Secret
  /** What is wrong with it if it was meant to be the words of a recovery key; it repeats none of them. */
  readonly slip: string | undefined
}

/**
 * The repository's password from the file, the command or the environment, in restic's order; else from the person. The words of
 * a recovery key may have any case, spaces and line breaks. Any other text of a file or a command counts as restic takes it: the
 * whole, without the white space around it.
 */
export async function readPassword(
  sources: PasswordSources,
  { twice, signal }: { twice: boolean; signal: AbortSignal },
): Promise<GivenPassword> {
  const { password, passwordFile, passwordCommand } = sources
  if (passwordFile !== undefined) return givenBy(await readPasswordFile(passwordFile, REMEDY), trimmed)
  if (passwordCommand !== undefined) return givenBy(await runPasswordCommand(passwordCommand, signal), trimmed)
  if (password !== undefined) return givenBy(password.reveal(), () => password)
  return givenBy(await askText('Password of the repository: ', { remedy: REMEDY, twice, signal }), firstLine)
}

function givenBy(text: string, take: (text: string, remedy: string) => Secret): GivenPassword {
  const reading = readRecoveryWords(text)
  if (reading.kind === 'words') return { password: reading.password, slip: undefined }
  return { password: take(text, REMEDY), slip: reading.kind === 'slip' ? reading.saw : undefined }
}

const REMEDY = 'Set RESTIC_PASSWORD or RESTIC_PASSWORD_FILE, or give --password-file'

/** Asks on the terminal, without an echo. `remedy` says in `cli.no-password` what to do where nobody can be asked. */
export async function askPassword(
  question: string,
  options: { remedy: string; twice: boolean; signal: AbortSignal },
): Promise<Secret> {
  return firstLine(await askText(question, options), options.remedy)
}

async function askText(
  question: string,
  { remedy, twice, signal }: { remedy: string; twice: boolean; signal: AbortSignal },
): Promise<string> {
  if (!process.stdin.isTTY) throw noPassword('No password was given and nobody can be asked for one', remedy)
  const password = await ask(question, signal)
  const isEmpty = /^\r?(\n|$)/.test(password)
  if (twice && !isEmpty && (await ask('The same once more: ', signal)) !== password) {
    throw badUsage('The two passwords differ', 'Start again and type the same password twice')
  }
  return password
}

/** The first line of a file. `remedy` says in `cli.no-password` what to do when there is none. */
export async function passwordFromFile(file: string, remedy: string): Promise<Secret> {
  return firstLine(await readPasswordFile(file, remedy), remedy)
}

/** A password of a repository in a file, as `readPassword` takes it. */
export async function repositoryPasswordFromFile(file: string, remedy: string): Promise<Secret> {
  return trimmed(await readPasswordFile(file, remedy), remedy)
}

async function readPasswordFile(file: string, remedy: string): Promise<string> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    throw noPassword(`The password file ${file} cannot be read`, remedy, cause)
  }
  return passwordText(bytes, { what: `The password file ${file}`, remedy })
}

/**
 * A password is text in UTF-8, or, as restic has it, in UTF-16 with a mark at its beginning. Anything else is refused: what a
 * decoder puts in place of bytes that it does not know could never be typed again.
 */
function passwordText(bytes: Uint8Array, { what, remedy }: { what: string; remedy: string }): string {
  const [encoding] = Object.entries(MARKS).find(([, mark]) => mark.every((byte, at) => bytes[at] === byte)) ?? ['utf-8']
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes)
    if (!text.includes('\0')) return text
  } catch {
    // Said below.
  }
  throw noPassword(`${what} does not hold text in UTF-8`, `${remedy}; write the password with an editor for plain text`)
}

const MARKS = { 'utf-16le': [0xff, 0xfe], 'utf-16be': [0xfe, 0xff] }

async function runPasswordCommand(command: string, signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', command], { signal, encoding: 'buffer' })
    return passwordText(stdout, { what: 'What the password command printed', remedy: REMEDY })
  } catch (cause) {
    signal.throwIfAborted()
    if (isAppError(cause)) throw cause
    throw noPassword('The password command failed', REMEDY, cause)
  }
}

function trimmed(text: string, remedy: string): Secret {
  return notEmpty(text.trim(), remedy)
}

function firstLine(text: string, remedy: string): Secret {
  return notEmpty(text.split(/\r?\n/, 1)[0] ?? '', remedy)
}

/** As restic, we take no empty password: it is more often a mistake than a wish. */
function notEmpty(password: string, remedy: string): Secret {
  if (password === '') throw noPassword('The password is empty', remedy)
  return new Secret(password)
}

/** What was typed, or pasted, be it several lines. */
async function ask(question: string, signal: AbortSignal): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true })
  const ctrlC = new AbortController()
  lines.on('SIGINT', () => ctrlC.abort())
  // Ctrl-Z has no effect: a stopped process would leave what is typed next to the shell, or show it.
  lines.on('SIGTSTP', () => undefined)
  const pasted: string[] = []
  lines.on('line', (line) => pasted.push(line))
  process.stderr.write(question)
  try {
    const first = await lines.question('', { signal: AbortSignal.any([signal, ctrlC.signal]) })
    return [first, ...pasted, lines.line].join('\n')
  } catch {
    throw interrupted()
  } finally {
    lines.close()
    process.stderr.write('\n')
  }
}

function noPassword(saw: string, remedy: string, cause?: unknown): AppError<CliErrorCode> {
  return new AppError('cli.no-password', saw, { remedy, cause })
}
