import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { phonekeep, startPhonekeep } from '../testing/phonekeep.ts'

/** Waits for the line that scripts wait for. Disposing tells the phone to stop. */
async function start(...args: readonly string[]) {
  const { child, finished } = startPhonekeep(['virtual-phone', '--files', '20', '--bytes', '1MiB', ...args], {})
  assert.ok(child.stdout)
  const [line] = await once(createInterface(child.stdout), 'line')
  const said: { readonly [key: string]: string } = JSON.parse(line)
  const stop = async () => {
    child.kill('SIGTERM')
    return await finished
  }
  return { said, stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

test('a virtual phone is everything it is told to be, and lets itself be looked at and acted on', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-virtual-phone-'))
  const script = join(folder.path, 'faults.json')
  await writeFile(script, JSON.stringify({ faults: [{ do: 'cut', service: 'com.apple.mobile.lockdown' }] }))
  await using phone = await start(
    ...['--personality', 'iphone-6s-ios12', '--passcode', '1234', '--locked', '--trust', 'ask'],
    ...['--passcode-prompt', 'refuse', '--encryption', 'geheim', '--faults', script, '--control', '--bonjour', '15354'],
  )
  const { said } = phone
  assert.deepEqual(Object.keys(said), ['event', 'address', 'udid', 'wifi', 'control'])
  assert.match(said.wifi ?? '', /^127\.0\.0\.1:\d+$/)
  const state = await (await fetch(`${said.control}/state`)).text()
  const told = JSON.parse(state)
  assert.deepEqual([told.model, told.ios, told.isEncrypting], ['iPhone8,1', '12.4.1', true])
  const { hasPasscode, isLocked, trust, passcodePrompt } = told.condition
  assert.deepEqual([hasPasscode, isLocked, trust, passcodePrompt], [true, true, 'ask', 'refuse'])
  assert.equal(told.faults.waiting.length, 1)
  assert.doesNotMatch(state, /1234|geheim/)

  await using stateFolder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-state-'))
  const env = { USBMUXD_SOCKET_ADDRESS: said.address ?? '', PHONEKEEP_STATE: stateFolder.path }
  await phonekeep(['info', '--json'], env)
  const { out, err, exitCode } = await phone.stop()
  assert.equal(exitCode, 0)
  assert.match(err, /^Goes wrong as told: \{"do":"cut"/m)
  assert.equal(out.split('\n').length, 2, 'one line, whatever happens')
})

test('the personalities can be listed', async () => {
  const { out, exitCode } = await phonekeep(['virtual-phone', '--personality', 'list'], {})
  assert.equal(exitCode, 0)
  assert.match(out, /^iphone-6s-ios12: iPhone8,1, iOS 12\.4\.1; /)
})

test('what a virtual phone cannot be is refused with a reason', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-virtual-phone-'))
  const script = join(folder.path, 'faults.json')
  await writeFile(script, '{"faults":[{"do":"cut"}]}')
  for (const [args, reason] of [
    [['--locked'], /never really locked/],
    [['--trust', 'perhaps'], /perhaps/],
    [['--personality', 'iphone-99'], /iphone-6s-ios12.*\[virtual-phone\.unknown-personality\]/s],
    [['--faults', script], /faults\[0\]\.service: expected a text .*\[virtual-phone\.bad-faults\]/s],
    [['--faults', join(folder.path, 'none')], /none/],
    [['--bonjour', '70000'], /70000 is no UDP port/],
  ] as const) {
    const { err, exitCode } = await phonekeep(['virtual-phone', ...args], {})
    assert.notEqual(exitCode, 0, args.join(' '))
    assert.match(err, reason)
  }
})
