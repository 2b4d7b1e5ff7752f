import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NEVER } from '../../src/base/abort.ts'
import { systemClock } from '../../src/base/clock.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  openSession,
  type Phone,
  pairAndWait,
  pairRecordFolder,
  parseMuxAddress,
  phonesOf,
  readBuid,
  readIdentity,
} from '../../src/device/index.ts'
import { createRepository, openLocalBackend, openRepository, type Repository } from '../../src/repository/index.ts'
import { type BackUpOptions, backUp, type RunEvent, type RunResult } from '../../src/run/index.ts'
import {
  type MuxServer,
  openMuxServer,
  openSeededContents,
  openVirtualPhone,
  type PhoneContents,
  type VirtualPhone,
  type VirtualPhoneOptions,
} from '../../src/virtual-phone/index.ts'

const clock = systemClock
export const PASSWORD = 'correct horse'

/** Cheap on purpose: the tests open repositories by the dozen. */
const KDF = { N: 1024, r: 8, p: 1 }

/** A virtual phone on a mux server, a repository, and everything between them. */
export interface World extends AsyncDisposable {
  readonly folder: string
  readonly repositoryFolder: string
  /** For USBMUXD_SOCKET_ADDRESS. */
  readonly muxAddress: string
  /** Where the phone is plugged in. */
  readonly server: MuxServer
  readonly virtual: VirtualPhone
  /** The same phone as the client sees it, paired. */
  phone(): Promise<Phone>
  repository(): Promise<Repository>
  backUp(options?: Partial<BackUpOptions>): Promise<RunResult>
}

export interface WorldOptions {
  readonly seed?: number
  readonly files?: number
  readonly bytes?: number
  readonly ios?: string
  readonly contents?: PhoneContents
  /** What else the virtual phone is to be. */
  readonly virtual?: Partial<Omit<VirtualPhoneOptions, 'contents' | 'seed' | 'ios'>>
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const { seed = 1, files = 60, bytes = 3_000_000, ios = '18.7' } = options
  await using opened = new AsyncDisposableStack()
  const { path: folder } = opened.use(await mkdtempDisposable(join(tmpdir(), 'phonekeep-test-')))
  const contents = options.contents ?? openSeededContents({ seed, files, bytes, ios, clock })
  const virtual = opened.use(await openVirtualPhone({ clock, ...options.virtual, contents, seed, ios }))
  const listen = { host: '127.0.0.1', port: 0 }
  const server = opened.use(await openMuxServer({ phones: [virtual], listen, signal: NEVER }))
  const repositoryFolder = join(folder, 'repository')
  const password = new Secret(PASSWORD)
  await createRepository(openLocalBackend(repositoryFolder), { password, clock, signal: NEVER, kdf: KDF })

  const mux = { address: parseMuxAddress(server.address), clock }
  const store = pairRecordFolder(join(folder, 'pair-records'))
  const phone = async () => {
    const [found] = await phonesOf(mux, { store, signal: NEVER })
    if (found === undefined) throw new Error('The virtual phone is not attached')
    await using _session = await openSession(found, { signal: NEVER }).catch(async () => {
      await pairAndWait(found, { systemBuid: await readBuid(mux, { signal: NEVER }), signal: NEVER })
      return await openSession(found, { signal: NEVER })
    })
    return found
  }
  const repository = () => openRepository(openLocalBackend(repositoryFolder), { password, signal: NEVER })

  const world = opened.move()
  return {
    folder,
    repositoryFolder,
    muxAddress: server.address,
    server,
    virtual,
    phone,
    repository,
    async backUp(overrides = {}) {
      const found = overrides.phone ?? (await phone())
      return await backUp({
        phone: found,
        identity: await readIdentity(found, { signal: NEVER }),
        repository: await repository(),
        owner: { hostname: 'test-machine', username: 'phonekeep-test', pid: process.pid },
        clock,
        resumeFolder: join(folder, 'resume'),
        allowanceBytes: undefined,
        onEvent: () => {},
        signal: NEVER,
        ...overrides,
      })
    },
    [Symbol.asyncDispose]: () => world.disposeAsync(),
  }
}

/** Collects what a run tells. */
export function recorder(): { readonly events: RunEvent[]; readonly onEvent: (event: RunEvent) => void } {
  const events: RunEvent[] = []
  return { events, onEvent: (event) => events.push(event) }
}
