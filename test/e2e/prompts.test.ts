import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { readBackupSettings } from '../../src/device/index.ts'
import { openCable } from '../../src/virtual-phone/index.ts'
import { onTerminal } from '../testing/on-terminal.ts'
import { phonekeep, surroundings } from '../testing/phonekeep.ts'
import { openWorld } from '../testing/world.ts'

const ENTER = '\r'
const CTRL_C = '\x03'
const CTRL_Z = '\x1a'
const SECRET = 'correct pony 🐴'

const world = await openWorld({ files: 1, bytes: 1000 })
after(() => world[Symbol.asyncDispose]())
const cable = openCable(world.virtual, world.server)
after(() => cable[Symbol.dispose]())
const env = surroundings(world)
assert.equal((await phonekeep(['pair'], env)).exitCode, 0)
const isEncrypting = async () => (await readBackupSettings(await world.phone(), { signal: NEVER })).willEncrypt

const ONCE = /A backup password for the phone: $/
const AGAIN = /The same once more: $/

for (const [what, answers, exitCode, says] of [
  ['that is typed otherwise the second time', [`${SECRET}${ENTER}`, `another${ENTER}`], 2, /The two passwords differ/],
  ['that is empty, and not asked for again,', [ENTER], 2, /^(?!.*once more).*The password is empty/s],
  ['that is broken off with Ctrl-C', [SECRET + CTRL_C], 130, /\[cli\.interrupted\]/],
] as const) {
  test(`a new password ${what} changes nothing, and is shown nowhere`, async () => {
    const questions = [ONCE, AGAIN]
    const typed = answers.map((answer, index) => [questions[index] ?? AGAIN, answer] as const)
    const ended = await onTerminal(['encryption', 'on'], env, typed)
    assert.equal(ended.exitCode, exitCode, ended.shown)
    assert.match(ended.shown, says)
    assert.doesNotMatch(ended.shown, /pony|another/)
    assert.equal(await isEncrypting(), false)
  })
}

test('Ctrl-Z stops nothing: what is typed after it is neither shown nor left to the shell', async () => {
  const ended = await onTerminal(['encryption', 'on'], env, [
    [ONCE, `${SECRET}${CTRL_Z}${ENTER}`],
    [AGAIN, `another${ENTER}`],
  ])
  assert.equal(ended.exitCode, 2, ended.shown)
  assert.match(ended.shown, /The two passwords differ/)
  assert.doesNotMatch(ended.shown, /pony|another/)
})

test('a password is asked for without an echo', async () => {
  const on = await onTerminal(['encryption', 'on'], env, [
    [ONCE, `${SECRET}${ENTER}`],
    [AGAIN, `${SECRET}${ENTER}`],
  ])
  assert.equal(on.exitCode, 0, on.shown)
  assert.doesNotMatch(on.shown, /pony/)
  assert.equal(await isEncrypting(), true)
  const off = await phonekeep(['encryption', 'off'], { ...env, PHONEKEEP_BACKUP_PASSWORD: SECRET })
  assert.equal(off.exitCode, 0, off.err)
})

const { condition } = world.virtual

for (const [what, typed, exitCode, says] of [
  ['Enter alone', ENTER, 1, /\[cli\.not-agreed\]/],
  ['Ctrl-C', CTRL_C, 130, /\[cli\.interrupted\]/],
] as const) {
  test(`${what} is no consent to a restart`, async () => {
    const boots = condition.boots
    const ended = await onTerminal(['restart'], env, [[/Restart .*\? \[y\/N\] /, typed]])
    assert.equal(ended.exitCode, exitCode, ended.shown)
    assert.match(ended.shown, says)
    assert.equal(condition.boots, boots)
  })
}

test('y is', async () => {
  const boots = condition.boots
  const ended = await onTerminal(['restart'], env, [[/Restart .*\? \[y\/N\] /, `y${ENTER}`]])
  assert.equal(ended.exitCode, 0, ended.shown)
  assert.equal(condition.boots, boots + 1)
})
