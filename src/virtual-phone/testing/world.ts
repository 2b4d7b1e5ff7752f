import { NEVER } from '../../base/abort.ts'
import { openSeededContents } from '../contents/index.ts'
import { openMuxServer } from '../mux/server.ts'
import { openVirtualPhone, type VirtualPhoneOptions } from '../phone.ts'
import { stoppedClock } from './stopped-clock.ts'

/** A small virtual phone for tests, on a clock that stands still. */
export async function openTestPhone(options: Partial<Omit<VirtualPhoneOptions, 'contents' | 'clock'>> = {}) {
  const clock = stoppedClock()
  const contents = openSeededContents({ seed: 7, files: 20, bytes: 100_000, ios: '18.5', clock })
  return { clock, phone: await openVirtualPhone({ seed: 7, contents, clock, ...options }) }
}

/** The same on a mux server of its own, as device 1. Disposing closes both, and tells of mistakes that the server met. */
export async function openTestWorld(options: Parameters<typeof openTestPhone>[0] = {}) {
  await using opened = new AsyncDisposableStack()
  const { clock, phone } = await openTestPhone(options)
  opened.use(phone)
  const mux = await openMuxServer({ phones: [phone], listen: { host: '127.0.0.1', port: 0 }, signal: NEVER })
  opened.use(mux)
  const rest = opened.move()
  return { clock, phone, mux, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}
