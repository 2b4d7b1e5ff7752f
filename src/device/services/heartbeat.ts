import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { readDict, writePlist } from '../plist-frame.ts'

export const HEARTBEAT = 'com.apple.mobile.heartbeat'
const BEAT_BYTES_MAX = 64 << 10

/**
 * Answers the phone's heartbeat until the phone hangs up or goes to sleep. Over Wi-Fi a phone drops every connection of a host
 * that does not; by cable it is not needed. Source: docs/protocol/small-services.md.
 */
export async function answerHeartbeat(channel: ByteChannel, { signal }: WaitOptions): Promise<void> {
  try {
    for (;;) {
      const { Command } = await readDict(channel, { bytesMax: BEAT_BYTES_MAX, signal })
      if (Command === 'SleepyTime') return
      if (Command === 'Marco') await writePlist(channel, { Command: 'Polo' }, { form: 'binary', signal })
    }
  } catch (error) {
    if (!isAppError(error, 'wire.closed')) throw error
  }
}
