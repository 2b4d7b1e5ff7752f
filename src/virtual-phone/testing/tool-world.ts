import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NEVER } from '../../base/abort.ts'
import type { Clock } from '../../base/clock.ts'
import type { ConditionState } from '../condition/index.ts'
import { openSeededContents } from '../contents/index.ts'
import { openMuxServer } from '../mux/server.ts'
import { openVirtualPhone, type PhoneEvent, type VirtualPhoneOptions } from '../phone.ts'
import { runTool } from './debian-tools.ts'
import { pairForTools } from './host.ts'
import { stoppedClock } from './stopped-clock.ts'

interface WorldOptions extends Pick<VirtualPhoneOptions, 'encryption'> {
  readonly condition?: Partial<ConditionState>
  /** Stands still unless given. */
  readonly clock?: Clock
  /** True unless given. */
  readonly paired?: boolean
  readonly files?: number
  readonly bytes?: number
}

/** A phone on a mux server, paired unless told otherwise, and a folder for backups. */
export async function openToolWorld(options: WorldOptions = {}) {
  const { condition = {}, clock = stoppedClock(), paired = true, files = 20, bytes = 1_000_000 } = options
  await using opened = new AsyncDisposableStack()
  const contents = openSeededContents({ seed: 5, files, bytes, ios: '18.5', clock })
  const phone = opened.use(await openVirtualPhone({ ...options, condition: {}, seed: 5, contents, clock }))
  const listen = { host: '127.0.0.1', port: 0 }
  const mux = opened.use(await openMuxServer({ phones: [phone], listen, signal: NEVER }))
  const { path: folder } = opened.use(await mkdtempDisposable(join(tmpdir(), 'quirks-')))
  const { address } = mux
  if (paired) await pairForTools(address, { deviceId: 1, udid: phone.udid })
  phone.condition.set(condition)
  const events: PhoneEvent[] = []
  phone.events.add((event) => events.push(event))
  const rest = opened.move()
  return {
    ...{ phone, contents, mux, folder, address, events },
    run: async (tool: string, ...args: readonly string[]) => (await runTool(address, tool, ...args)).output,
    backUp: async () => (await runTool(address, 'idevicebackup2', 'backup', folder)).output,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}
