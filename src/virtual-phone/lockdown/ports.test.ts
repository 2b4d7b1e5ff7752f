import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stoppedClock } from '../testing/stopped-clock.ts'
import { PORT_LIFETIME_MS, PORTS_WAITING_MAX, ServicePorts } from './ports.ts'

test('a port is from the dynamic range, and serves one connection', () => {
  const ports = new ServicePorts<string>(stoppedClock())
  const port = ports.open('afc')
  assert.equal(port, 49152)
  assert.equal(ports.claim(port), 'afc')
  assert.equal(ports.claim(port), undefined)
})

test('a port that nobody connects to is closed after a minute', () => {
  const clock = stoppedClock()
  const ports = new ServicePorts<string>(clock)
  const early = ports.open('early')!
  clock.pass(1)
  const late = ports.open('late')!
  clock.pass(PORT_LIFETIME_MS - 1)
  assert.equal(ports.claim(early), undefined)
  assert.equal(ports.claim(late), 'late')
})

test('not more than so many services wait at once, until time or a connection frees a port', () => {
  const clock = stoppedClock()
  const ports = new ServicePorts<number>(clock)
  for (let index = 0; index < PORTS_WAITING_MAX; index++) assert.notEqual(ports.open(index), undefined)
  assert.equal(ports.open(-1), undefined)
  assert.equal(ports.claim(49152), 0)
  assert.notEqual(ports.open(-1), undefined)
  clock.pass(PORT_LIFETIME_MS)
  assert.notEqual(ports.open(-1), undefined)
})

test('ports begin again at the first after the last, and skip those that wait', () => {
  const ports = new ServicePorts<string>(stoppedClock())
  const waiting = ports.open('waiting')
  for (let count = 0; count < 65535 - 49152; count++) ports.claim(ports.open('short')!)
  assert.equal(waiting, 49152)
  assert.equal(ports.open('next'), 49153)
})
