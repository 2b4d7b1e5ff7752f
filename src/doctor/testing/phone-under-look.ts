import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NEVER } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import {
  findPhone,
  type Mux,
  type Phone,
  pairAndWait,
  pairRecordFolder,
  parseMuxAddress,
  readBuid,
} from '../../device/index.ts'
import {
  type ConditionState,
  type MuxServer,
  openMuxServer,
  openSeededContents,
  openVirtualPhone,
  type VirtualPhone,
} from '../../virtual-phone/index.ts'

export interface PhoneUnderLook extends AsyncDisposable {
  readonly folder: string
  readonly virtual: VirtualPhone
  readonly server: MuxServer
  readonly mux: Mux
  /** As the client sees it. */
  phone(): Promise<Phone>
}

export interface PhoneOptions {
  readonly personality?: string
  readonly ios?: string
  readonly condition?: Partial<ConditionState>
  readonly isPaired?: boolean
}

/** A virtual phone on a cable, and the client's side of it. */
export async function openPhoneUnderLook({ isPaired = true, ...options }: PhoneOptions = {}): Promise<PhoneUnderLook> {
  const signal = NEVER
  const clock = systemClock
  await using opened = new AsyncDisposableStack()
  const { path: folder } = opened.use(await mkdtempDisposable(join(tmpdir(), 'phonekeep-doctor-')))
  const contents = openSeededContents({ seed: 1, files: 30, bytes: 1_000_000, ios: options.ios ?? '18.7', clock })
  const virtual = opened.use(await openVirtualPhone({ seed: 1, clock, contents, ...options }))
  const listen = { host: '127.0.0.1', port: 0 }
  const server = opened.use(await openMuxServer({ phones: [virtual], listen, signal }))
  const mux = { address: parseMuxAddress(server.address), clock }
  const store = pairRecordFolder(join(folder, 'pair-records'))
  const phone = () => findPhone(mux, virtual.udid, { store, signal })
  if (isPaired) await pairAndWait(await phone(), { systemBuid: await readBuid(mux, { signal }), signal })
  const rest = opened.move()
  return { folder, virtual, server, mux, phone, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}
