import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { readPlistFrame, writePlistFrame } from '../plist-frames.ts'
import type { ServicePhone } from './service.ts'

const INTERVAL_S = 10

/** Says Marco every ten seconds, and waits for a Polo each time. Source: docs/protocol/small-services.md#heartbeat */
export async function serveHeartbeat(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  for (;;) {
    await writePlistFrame(channel, { Command: 'Marco', Interval: INTERVAL_S, SupportsSleepyTime: true }, { signal })
    if ((await readPlistFrame(channel, { signal })) === undefined) return
    await phone.clock.sleep(INTERVAL_S * 1000, { signal })
  }
}
