import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposable, readdir, readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { utf8 } from '../../src/base/bytes.ts'
import { systemClock } from '../../src/base/clock.ts'
import {
  openCable,
  openMuxServer,
  openSeededContents,
  openVirtualPhone,
  type PhoneEvent,
} from '../../src/virtual-phone/index.ts'
import { phonekeep, startPhonekeep } from '../testing/phonekeep.ts'

/** A virtual phone with a cable, and the surroundings of a command that finds it. */
async function openCabledPhone() {
  await using opened = new AsyncDisposableStack()
  const clock = systemClock
  const contents = openSeededContents({ seed: 1, files: 20, bytes: 200_000, ios: '18.7', clock })
  const virtual = opened.use(await openVirtualPhone({ seed: 1, contents, clock, name: 'Ana' }))
  const listen = { host: '127.0.0.1', port: 0 }
  const server = opened.use(await openMuxServer({ phones: [virtual], listen, signal: NEVER }))
  opened.use(openCable(virtual, server))
  const { path: folder } = opened.use(await mkdtempDisposable(join(tmpdir(), 'phonekeep-services-')))
  const env = { USBMUXD_SOCKET_ADDRESS: server.address, PHONEKEEP_STATE: join(folder, 'state') }
  const rest = opened.move()
  return { virtual, folder, env, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

const { virtual, folder, env, ...world } = await openCabledPhone()
after(() => world[Symbol.asyncDispose]())

test('apps are listed by their size, the largest first', async () => {
  const { out, exitCode } = await phonekeep(['apps', '--json'], env)
  assert.equal(exitCode, 0)
  const apps: { id: string; appBytes: number; dataBytes: number }[] = JSON.parse(out)
  const sizes = apps.map(({ appBytes, dataBytes }) => appBytes + dataBytes)
  assert.ok(sizes.length > 1)
  assert.deepEqual(
    sizes,
    sizes.toSorted((left, right) => right - left),
  )
  const { out: table } = await phonekeep(['apps'], env)
  assert.match(table, new RegExp(`${apps[0]!.id} .*MiB`))
})

test('crash reports are saved whole under names that lead nowhere, once', async () => {
  const odd = ['..', '.profile', '-rf \u001b[2J', 'a\\b', `${'long'.repeat(60)}.ips`]
  for (const name of odd.slice(1)) virtual.crashReports.makeFile(`Retired/${name}`).bytes.write(0, utf8(name))
  virtual.crashReports.makeFile('Retired_.profile').bytes.write(0, utf8('another'))
  const target = join(folder, 'reports')
  const first = await phonekeep(['crashes', '--save', target, '--json'], env)
  assert.equal(first.exitCode, 0, first.err)
  const reports: { name: string; bytes: number; saved: string }[] = JSON.parse(first.out)
  assert.ok(reports.some(({ name }) => name.startsWith('backupd-')))
  for (const { saved, bytes } of reports) assert.equal((await stat(saved)).size, bytes)
  const files = await readdir(target, { recursive: true })
  assert.equal(files.length, reports.length)
  for (const file of files) assert.match(file, /^[A-Za-z0-9_][A-Za-z0-9 ._+-]{0,210}$/)
  const texts = await Promise.all(files.map((file) => readFile(join(target, file), 'utf8')))
  for (const text of ['.profile', 'another', 'a\\b']) assert.ok(texts.includes(text), text)

  const again = await phonekeep(['crashes', '--save', target], env)
  assert.match(again.out, new RegExp(`${reports.length} reports in `))
  assert.ok(!again.out.includes('\u001b'))
  assert.equal((await readdir(target)).length, files.length)
})

/** Starts `phonekeep logs`, and waits until it listens. */
async function startLogs(...args: readonly string[]) {
  const { child, finished } = startPhonekeep(['logs', ...args], env)
  for await (const line of createInterface(child.stderr!)) if (line.startsWith('The log of Ana')) break
  return { child, finished }
}

test('the log is shown line by line, with nothing in it that steers a terminal, until Ctrl-C', async () => {
  const { child, finished } = await startLogs('--process', 'backupd', '--level', 'error')
  virtual.log({ process: 'SpringBoard', text: 'of no interest', level: 'error' })
  virtual.log({
    process: 'backupd',
    text: 'two\nlines \u001b[31m',
    level: 'error',
    subsystem: 'com.apple.mobilebackup',
  })
  virtual.log({ process: 'backupd', text: 'last', level: 'fault' })
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
  const [first, last] = [String((await lines.next()).value), String((await lines.next()).value)]
  assert.match(first, /^\d{4}-.*Z backupd\[66\] <error> com\.apple\.mobilebackup: two\\x0alines \\x1b\[31m$/)
  assert.match(last, /<fault>: last$/)
  child.kill('SIGINT')
  assert.equal((await finished).exitCode, 0)
})

test('a log that nobody reads any more ends', async () => {
  const { child, finished } = await startLogs('--process', 'backupd')
  const torn = assert.rejects(finished, { code: 'ERR_STREAM_PREMATURE_CLOSE' })
  child.stdout!.destroy()
  await once(child.stdout!, 'close')
  const talking = setInterval(() => virtual.log({ process: 'backupd', text: 'anybody there?' }), 20)
  const [exitCode] = await once(child, 'exit')
  clearInterval(talking)
  assert.equal(exitCode, 0)
  await torn
})

test('a phone restarts when somebody agreed, and is told to be back', async () => {
  const restarts: PhoneEvent[] = []
  virtual.events.add((event) => {
    if (event.kind === 'power') restarts.push(event)
  })
  const unasked = await phonekeep(['restart'], env)
  assert.match(unasked.err, /unlocked it once[\s\S]*\[cli\.not-agreed\]/)
  assert.deepEqual(restarts, [])
  const { out, exitCode, err } = await phonekeep(['restart', '--yes', '--json'], env)
  assert.equal(exitCode, 0, err)
  assert.deepEqual({ ...JSON.parse(out), ms: 0 }, { udid: virtual.udid, restarted: true, back: true, ms: 0 })
  assert.equal(restarts.length, 1)
})
