import assert from 'node:assert/strict'
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { lockNames, type Machine, readMachine } from './station.ts'

const nas: Machine = {
  hostname: 'nas',
  bootId: '7f6c1d55',
  uptimeMs: 7_200_500,
  machineId: 'b08dfa60',
  cards: ['00:11:32:aa:bb:cc'],
  processSpace: 'pid:[4026531836]',
}
const namesOf = (machine: Partial<Machine>) => lockNames('0123abcd', { ...nas, ...machine })

test('the names are no machine’s, and stay for as long as the machine runs', () => {
  assert.match(namesOf({}).hostname, /^phonekeep-0123abcd-[0-9a-f]{8}$/)
  assert.match(namesOf({}).username, /^boot-[0-9a-f]{8}$/)
  assert.deepEqual(namesOf({}), namesOf({}))
})

test('after a restart the machine is the same one, started again', () => {
  const after = namesOf({ bootId: 'other' })
  assert.equal(after.hostname, namesOf({}).hostname)
  assert.notEqual(after.username, namesOf({}).username)
})

for (const [what, machine] of [
  ['with another network card', { cards: ['00:11:32:aa:bb:cd'] }],
  ['with another host name', { hostname: 'nas2' }],
  ['whose process numbers are its own, as a container’s', { processSpace: 'pid:[4026532999]' }],
] as const) {
  test(`a copy of the state folder on a machine ${what} is another station`, () => {
    assert.notEqual(namesOf(machine).hostname, namesOf({}).hostname)
  })
}

test('where no card tells copies apart, each start counts as another machine', () => {
  assert.notEqual(namesOf({ cards: [], bootId: 'other' }).hostname, namesOf({ cards: [] }).hostname)
  assert.equal(namesOf({ cards: [] }).hostname, namesOf({ cards: [] }).hostname)
})

test('of the network cards those count that have a device and the address they were made with', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-machine-'))
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(folder.path, path)), { recursive: true })
    await writeFile(join(folder.path, path), text)
  }
  await write('proc/sys/kernel/random/boot_id', '7f6c1d55\n')
  await write('proc/uptime', '7200.50 14000.01\n')
  await write('etc/machine-id', 'b08dfa60\n')
  for (const [card, assigned] of [
    ['eth0', 0],
    ['wlan0', 3],
    ['docker0', 0],
  ] as const) {
    await write(`sys/class/net/${card}/address`, `mac of ${card}\n`)
    await write(`sys/class/net/${card}/addr_assign_type`, `${assigned}\n`)
    if (card !== 'docker0') await mkdir(join(folder.path, `sys/class/net/${card}/device`))
  }
  await mkdir(join(folder.path, 'proc/self/ns'), { recursive: true })
  await symlink('pid:[4026531836]', join(folder.path, 'proc/self/ns/pid'))
  assert.deepEqual(await readMachine('nas', folder.path), { ...nas, cards: ['mac of eth0'] })
})

test('a system that says nothing of itself is its host name', async () => {
  const machine = await readMachine('mac', '/nonexistent')
  const nothing = { bootId: undefined, uptimeMs: undefined, machineId: '', cards: [], processSpace: '' }
  assert.deepEqual(machine, { hostname: 'mac', ...nothing })
  assert.equal(lockNames('0123abcd', machine).username, 'phonekeep')
})
