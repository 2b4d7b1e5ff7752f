import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { Clock } from '../../base/clock.ts'
import type { AppError } from '../../base/errors.ts'
import { isAppError } from '../../base/errors.ts'
import { numberOf } from '../../plist/index.ts'
import { deviceError } from '../errors.ts'
import type { Phone } from '../phone.ts'
import { openService } from '../phone.ts'
import { readDict, writePlist } from '../plist-frame.ts'
import { withinTime } from '../time-limit.ts'

const HEARTBEAT = 'com.apple.mobile.heartbeat'
const BEAT_BYTES_MAX = 64 << 10

/** What phones announce; one that names none, or nonsense, is expected to keep to it. */
const INTERVAL_S_USUAL = 10
const INTERVAL_S_MAX = 120
/** A phone may be so late with its next beat before it counts as gone: longer than the pauses of a busy Wi-Fi. */
const PATIENCE_MS = 30_000

/** A phone's last word may come behind the end of its other connections. */
const LAST_WORD_MS = 1000

/**
 * Does a job with a phone. Over Wi-Fi a phone drops every connection of a host that does not answer its heartbeat, so it is
 * answered meanwhile; by cable nothing needs to be done. A phone that goes to sleep or leaves aborts the job with that reason,
 * `device.asleep` or `device.heartbeat-lost`; what a job has finished by then stays finished. Throws what `openService` and the
 * job throw. Source: docs/protocol/wifi.md#heartbeat
 */
export async function whileAwake<Value>(
  phone: Phone,
  { signal }: WaitOptions,
  job: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  if (phone.transport === 'usb') return await job(signal)
  const left = new AbortController()
  const either = AbortSignal.any([signal, left.signal])
  await using _heartbeat = await keepHeartbeat(phone, { onEnd: (reason) => left.abort(reason), signal })
  try {
    return await job(either)
  } catch (error) {
    if (isAppError(error, 'wire.closed')) await phone.clock.sleep(LAST_WORD_MS, { signal: either })
    throw error
  }
}

/** Answers the heartbeat until it is disposed; `onEnd` is told if the phone ends it before. The signal is for the start only. */
async function keepHeartbeat(
  phone: Phone,
  { onEnd, signal }: WaitOptions & { readonly onEnd: (reason: AppError) => void },
): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const channel = opened.use(await openService(phone, HEARTBEAT, { signal }))
  const stop = new AbortController()
  const beating = answerHeartbeat(channel, { clock: phone.clock, signal: stop.signal }).then(
    onEnd,
    (error: unknown) => {
      if (error !== stop.signal.reason) throw error
    },
  )
  beating.catch(() => undefined)
  opened.defer(() => beating)
  opened.defer(() => stop.abort())
  return opened.move()
}

/**
 * Answers the phone's heartbeat until the phone goes to sleep (`device.asleep`), hangs up or falls silent
 * (`device.heartbeat-lost`), and resolves to which of these it was. Owns nothing.
 */
export async function answerHeartbeat(
  channel: ByteChannel,
  { clock, signal }: WaitOptions & { readonly clock: Clock },
): Promise<AppError> {
  let ms = INTERVAL_S_USUAL * 1000 + PATIENCE_MS
  try {
    for (;;) {
      const late = () => lost(`The phone has said nothing for ${ms / 1000} s`)
      const limit = { ms, clock, late, signal }
      const beat = await withinTime(limit, (signal) => readDict(channel, { bytesMax: BEAT_BYTES_MAX, signal }))
      if (beat.Command === 'SleepyTime') return asleep()
      if (beat.Command === 'Marco') await writePlist(channel, { Command: 'Polo' }, { form: 'binary', signal })
      ms = intervalMs(numberOf(beat.Interval)) + PATIENCE_MS
    }
  } catch (error) {
    if (isAppError(error, 'device.heartbeat-lost')) return error
    if (isAppError(error)) return lost(`The phone ended its heartbeat: ${error.message}`, error)
    throw error
  }
}

function intervalMs(seconds = INTERVAL_S_USUAL): number {
  return (seconds > 0 ? Math.min(seconds, INTERVAL_S_MAX) : INTERVAL_S_USUAL) * 1000
}

function asleep(): AppError {
  return deviceError('device.asleep', 'The phone said that it goes to sleep', {
    remedy: 'Connect the phone to its charger, which keeps it awake, or use a cable, and start again',
  })
}

function lost(saw: string, cause?: unknown): AppError {
  return deviceError('device.heartbeat-lost', saw, {
    remedy: 'Keep the phone near its Wi-Fi and on its charger, and start again: what was sent is not lost',
    cause,
  })
}
