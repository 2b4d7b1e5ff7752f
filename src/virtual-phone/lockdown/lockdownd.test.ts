import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { fromUtf8 } from '../../base/bytes.ts'
import { isAppError } from '../../base/errors.ts'
import { bytesOf } from '../../plist/index.ts'
import { makeComputer, makeHostKeys } from '../testing/certificates.ts'
import { ask, connectTo, hear, pairWith, secure, startService, startSession } from '../testing/host.ts'
import { openTestWorld } from '../testing/world.ts'

const LOCKDOWN = { deviceId: 1, port: 62078 }

async function openPaired(world: Awaited<ReturnType<typeof openTestWorld>>) {
  await using lockdown = await connectTo(world.mux.address, LOCKDOWN)
  return await pairWith(lockdown)
}

for (const show of ['Host', 'Root'] as const) {
  test(`a session goes on in TLS for a host that shows its ${show} certificate`, async () => {
    await using world = await openTestWorld()
    const host = await openPaired(world)
    await using lockdown = await connectTo(world.mux.address, LOCKDOWN)
    await using session = await startSession(lockdown, host, { show })
    const answer = await ask(session, { Request: 'GetValue', Key: 'SerialNumber' })
    assert.equal(answer.Value, world.phone.identity.serialNumber)
    assert.equal(answer.Request, 'GetValue')
  })
}

test('a host that shows a certificate of another gets nothing', async () => {
  await using world = await openTestWorld()
  const { keys, escrowBag } = await openPaired(world)
  const publicKey = bytesOf(world.phone.values.get('', 'DevicePublicKey'))!
  const strange = makeHostKeys({ devicePublicKeyPem: fromUtf8(publicKey), computer: makeComputer() })
  const impostor = { keys: { ...strange, record: { ...strange.record, HostID: keys.record.HostID ?? '' } }, escrowBag }
  await using lockdown = await connectTo(world.mux.address, LOCKDOWN)
  await using session = await startSession(lockdown, impostor)
  await assert.rejects(ask(session, { Request: 'GetValue' }), (error) => isAppError(error, 'wire.closed'))
})

test('after StopSession a host is a stranger again', async () => {
  await using world = await openTestWorld()
  const host = await openPaired(world)
  await using lockdown = await connectTo(world.mux.address, LOCKDOWN)
  const { SystemBUID = '', HostID = '' } = host.keys.record
  const { SessionID = '' } = await ask(lockdown, { Request: 'StartSession', HostID, SystemBUID })
  await using session = secure(lockdown.detach(), host.keys)
  assert.equal((await ask(session, { Request: 'StopSession', SessionID })).Error, undefined)
  assert.equal((await ask(session, { Request: 'GetValue', Key: 'SerialNumber' })).Error, 'GetProhibited')
  assert.equal((await ask(session, { Request: 'StopSession', SessionID })).Error, 'SessionInactive')
})

test('a service is spoken to in TLS, too', async () => {
  await using world = await openTestWorld()
  const host = await openPaired(world)
  await using lockdown = await connectTo(world.mux.address, LOCKDOWN)
  await using session = await startSession(lockdown, host)
  const { address } = world.mux
  const service = 'com.apple.mobile.heartbeat'
  await using heartbeat = await startService(session, { address, deviceId: 1, keys: host.keys, service })
  assert.equal((await hear(heartbeat)).Command, 'Marco')
})

test('a service of iOS 12 is spoken to in plain text', async () => {
  await using world = await openTestWorld({ ios: '12.5' })
  const host = await openPaired(world)
  await using lockdown = await connectTo(world.mux.address, LOCKDOWN)
  await using session = await startSession(lockdown, host)
  const answer = await ask(session, { Request: 'StartService', Service: 'com.apple.mobile.heartbeat' })
  assert.equal(answer.EnableServiceSSL, undefined)
  await using heartbeat = await connectTo(world.mux.address, { deviceId: 1, port: Number(answer.Port) })
  assert.equal((await hear(heartbeat)).Command, 'Marco')
})

test('a host that leaves without a word is no mistake of ours', async () => {
  await using world = await openTestWorld()
  const host = await openPaired(world)
  const lockdown = await connectTo(world.mux.address, LOCKDOWN)
  const session = await startSession(lockdown, host)
  await ask(session, { Request: 'QueryType' })
  session.detach().destroy()
})

test('a phone that forgot its hosts answers InvalidHostID', async () => {
  await using world = await openTestWorld()
  const { keys } = await openPaired(world)
  world.phone.forgetHosts()
  await using lockdown = await connectTo(world.mux.address, LOCKDOWN)
  const answer = await ask(lockdown, { Request: 'StartSession', HostID: keys.record.HostID ?? '' })
  assert.equal(answer.Error, 'InvalidHostID')
})

test('a cable that is pulled lets just so many bytes through, once', async () => {
  await using world = await openTestWorld()
  const host = await openPaired(world)
  await using lockdown = await connectTo(world.mux.address, LOCKDOWN)
  await using session = await startSession(lockdown, host)
  const service = 'com.apple.mobile.heartbeat'
  const wanted = { address: world.mux.address, deviceId: 1, keys: host.keys, service }
  world.phone.faults.add({ do: 'cut', service, afterBytes: 10 })
  {
    await using cut = await startService(session, wanted)
    assert.equal((await cut.readExactly(10, { signal: NEVER })).length, 10)
    await assert.rejects(cut.readExactly(1, { signal: NEVER }), (error) => isAppError(error, 'wire.closed'))
  }
  await using whole = await startService(session, wanted)
  assert.equal((await hear(whole)).Command, 'Marco')
})

test('a host that never starts TLS is let go when the phone is unplugged', async () => {
  await using world = await openTestWorld()
  const { keys } = await openPaired(world)
  await using lockdown = await connectTo(world.mux.address, LOCKDOWN)
  await ask(lockdown, { Request: 'StartSession', HostID: keys.record.HostID ?? '' })
  world.mux.detach(world.phone)
  assert.equal(await lockdown.readSome(1, { signal: NEVER }), undefined)
})

test('a request larger than 1 MiB ends the connection', async () => {
  await using world = await openTestWorld()
  await using lockdown = await connectTo(world.mux.address, LOCKDOWN)
  await lockdown.write(Uint8Array.of(0, 0x10, 0, 1, 0x3c), { signal: NEVER })
  assert.equal(await lockdown.readSome(1, { signal: NEVER }), undefined)
})

test('the dialog is accepted, and whoever waits for it is notified', async () => {
  await using world = await openTestWorld({ condition: { trust: 'ask' } })
  const notified: string[] = []
  world.phone.events.add((event) => event.kind === 'notification' && notified.push(event.name))
  await using lockdown = await connectTo(world.mux.address, LOCKDOWN)
  await assert.rejects(pairWith(lockdown), /PairingDialogResponsePending/)
  world.phone.condition.trustDialog.accept()
  assert.deepEqual(notified, ['com.apple.mobile.lockdown.request_pair'])
  assert.equal((await pairWith(lockdown)).escrowBag.length, 32)
})
