import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import type { ByteChannel } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import type { PlistDict } from '../../plist/index.ts'
import { makePairing } from '../testing/fake-phone.ts'
import { manualClock } from '../testing/manual-clock.ts'
import type { ServiceScript } from '../testing/scripted-phone.ts'
import { scriptedPhone } from '../testing/scripted-phone.ts'
import { answering } from '../testing/wire.ts'
import { readSupervision } from './supervision.ts'

const signal = NEVER
const clock = manualClock()
const pairing = await makePairing('host')
const phoneWith = (script: ServiceScript) =>
  scriptedPhone({ ...pairing, clock, services: { 'com.apple.mobile.MCInstall': script } }).phone
const answer = (dict: PlistDict) => async (far: ByteChannel) => await answering(far, [dict])

for (const [what, script, expected] of [
  ['is supervised', answer({ Status: 'Acknowledged', CloudConfiguration: { IsSupervised: true } }), true],
  ['is not supervised', answer({ Status: 'Acknowledged', CloudConfiguration: { IsSupervised: false } }), false],
  ['has no such configuration', answer({ Status: 'Acknowledged' }), undefined],
  ['does not offer the service', 'InvalidService', undefined],
  ['hangs up', async (far: ByteChannel) => await far[Symbol.asyncDispose](), undefined],
] as const) {
  test(`a phone that ${what} says ${expected}`, async () => {
    assert.equal(await readSupervision(phoneWith(script), { signal }), expected)
  })
}

test('a phone that never answers is not waited for for ever', async () => {
  const asked = Promise.withResolvers<void>()
  const silent = async (far: ByteChannel) => {
    await answering(far, [])
    asked.resolve()
  }
  const reading = readSupervision(phoneWith(silent), { signal })
  await asked.promise
  clock.pass(60_000)
  await assert.rejects(reading, (error) => isAppError(error, 'device.not-answering'))
})
