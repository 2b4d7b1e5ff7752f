import assert from 'node:assert/strict'
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { isSystemError } from '../../base/errors.ts'

export interface ToolResult {
  readonly output: string
  readonly exitCode: number
}

/** Runs a tool of libimobiledevice, unmodified, against a mux server. Fails when the tool is not installed or hangs. */
export async function runTool(address: string, command: string, ...args: readonly string[]): Promise<ToolResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ToolResult>()
  const options = { env: toolEnvironment(address), timeout: 60_000 }
  execFile(command, args, options, (error, stdout, stderr) => {
    if (isSystemError(error, 'ENOENT')) reject(notInstalled(command, 'libimobiledevice-utils'))
    else if (error?.killed) reject(new Error(`${command} ${args.join(' ')} hangs: ${stdout}${stderr}`))
    else resolve({ output: stdout + stderr, exitCode: typeof error?.code === 'number' ? error.code : 0 })
  })
  return await promise
}

/** Starts a tool that runs until it is disposed; `output()` is what it has printed so far, line by line thanks to `stdbuf`. */
export async function startTool(address: string, command: string, ...args: readonly string[]) {
  const child = spawn('stdbuf', ['-oL', command, ...args], {
    env: toolEnvironment(address),
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await new Promise((resolve, reject) =>
    child.once('spawn', resolve).once('error', () => reject(notInstalled('stdbuf', 'coreutils'))),
  )
  let printed = ''
  let more = Promise.withResolvers<void>()
  const wake = () => {
    more.resolve()
    more = Promise.withResolvers<void>()
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    wake()
  })
  child.stdout.on('end', wake)
  /** Resolves when it has printed something that matches; rejects when it ends without that. */
  const prints = async (pattern: RegExp) => {
    while (!pattern.test(printed)) {
      assert.ok(!child.stdout.readableEnded, `${command} ended without ${pattern}: ${printed}`)
      await more.promise
    }
  }
  return { output: () => printed, prints, [Symbol.asyncDispose]: () => stop(child) }
}

async function stop(child: ChildProcessByStdio<null, Readable, null>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  assert.ok(child.kill('SIGKILL'))
  await exited
}

const TOOL_FOLDERS = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin'

function toolEnvironment(address: string) {
  return { PATH: TOOL_FOLDERS, LC_ALL: 'C.UTF-8', TZ: 'UTC', USBMUXD_SOCKET_ADDRESS: address }
}

function notInstalled(command: string, debianPackage: string): Error {
  return new Error(`${command} is missing: install Debian's package ${debianPackage}`)
}
