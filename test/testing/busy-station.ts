import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  listSnapshots,
  lockRepository,
  openLocalBackend,
  openRepository,
  PRUNE_DEFAULTS,
  performPrune,
  preparePrune,
  removeSnapshots,
} from '../../src/repository/index.ts'
import { storeSnapshot } from './history.ts'
import { PASSWORD } from './world.ts'

// Backs up every day, and every few days forgets the oldest snapshot and prunes. Each snapshot is told when it is durably stored, when
// it is about to go and when it is gone. Arguments: the repository's folder; the first day; the day to end before, or nothing to go on
// until somebody kills this process. Its machine was started just now.
const [folder = '', from = '0', to = 'Infinity'] = process.argv.slice(2)
const backend = openLocalBackend(folder)
const password = new Secret(PASSWORD)
const owner = {
  hostname: 'phonekeep-station',
  username: `boot-${from}`,
  pid: process.pid,
  startedMs: systemClock.nowMs(),
}
const tell = (state: string, snapshot: string) => process.stdout.write(`${state} ${snapshot}\n`)

async function open() {
  const repository = await openRepository(backend, { password, signal: NEVER })
  await repository.loadIndex({ signal: NEVER })
  return repository
}

async function forgetOldest(): Promise<void> {
  const repository = await open()
  // No waiting for others: nobody else is here.
  await using lock = await lockRepository(repository, { mode: 'exclusive', owner, clock: hurried, signal: NEVER })
  const [oldest] = await listSnapshots(repository, { signal: NEVER })
  if (oldest === undefined) return
  tell('going', oldest.id)
  await removeSnapshots(repository, [oldest], { lock, signal: NEVER })
  tell('gone', oldest.id)
  const limits = { ...PRUNE_DEFAULTS, maxUnused: { percent: 0 } }
  await performPrune(await preparePrune(repository, { limits, signal: NEVER }), { lock, signal: NEVER })
}

const hurried = {
  ...systemClock,
  sleep: (ms: number, options: { signal: AbortSignal }) => systemClock.sleep(ms > 1000 ? ms : 0, options),
}

for (let day = Number(from); day < Number(to); day++) {
  tell('stored', (await storeSnapshot(await open(), day)).id)
  if (day % 4 === 3) await forgetOldest()
}
