import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { Secret } from '../../src/base/secret.ts'
import type { Repository, Snapshot } from '../../src/repository/index.ts'
import {
  checkRestore,
  type RestoreCheck,
  type RestoredPhone,
  type RestoreEvent,
  type RestoreToPhoneOptions,
  restoreToPhone,
} from '../../src/run/index.ts'
import {
  digestContents,
  type EntryDigest,
  openEmptyContents,
  type PhoneContents,
} from '../../src/virtual-phone/index.ts'
import { openWorld, type World, type WorldOptions } from './world.ts'

/** Cheap on purpose: phones take seconds for a password. */
export const FEW_ITERATIONS = 1000

/** What a restore to the world's phone is made of. */
export interface Source {
  readonly repository: Repository
  readonly snapshot: Snapshot
  readonly password?: Secret
}

/** A phone as it leaves the factory, with Find My off: ready to be restored to. */
export async function openNewPhone({ ios = '18.7', ...options }: WorldOptions = {}): Promise<World> {
  const contents = openEmptyContents({ ios, clock: systemClock })
  const condition = { isFindMyOn: false, ...options.virtual?.condition }
  return await openWorld({ seed: 7, ...options, ios, contents, virtual: { ...options.virtual, condition } })
}

/** Restores to the world's phone. */
export async function restoreTo(
  world: World,
  source: Source,
  overrides: Partial<RestoreToPhoneOptions> = {},
): Promise<{ readonly restored: RestoredPhone; readonly events: readonly RestoreEvent[] }> {
  const events: RestoreEvent[] = []
  const restored = await restoreToPhone({
    ...source,
    phone: await world.phone(),
    owner: { hostname: 'test-machine', username: 'phonekeep-test', pid: process.pid },
    clock: systemClock,
    tempFolder: world.folder,
    signal: NEVER,
    ...overrides,
    onEvent: (event) => {
      events.push(event)
      overrides.onEvent?.(event)
    },
  })
  return { restored, events }
}

/** What the guard rails say, by their names. */
export async function checksFor(world: World, source: Source): Promise<ReadonlyMap<string, RestoreCheck>> {
  await source.repository.loadIndex({ signal: NEVER })
  const checks = await checkRestore({
    ...source,
    phone: await world.phone(),
    tempFolder: world.folder,
    signal: NEVER,
  })
  return new Map(checks.map((check) => [check.check, check]))
}

/** Everything on a phone, to be compared. */
export async function digestsOf(contents: PhoneContents): Promise<readonly EntryDigest[]> {
  return await Array.fromAsync(digestContents(contents, { signal: NEVER }))
}
