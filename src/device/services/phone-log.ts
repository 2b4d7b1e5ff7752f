import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { notAnswering } from '../errors.ts'
import type { Phone } from '../phone.ts'
import { openService } from '../phone.ts'
import { withinTime } from '../time-limit.ts'
import type { LogFilter, LogLine } from './log-line.ts'
import { fitsFilter } from './log-line.ts'
import { OS_TRACE_RELAY, startActivity, traceLines } from './os-trace-relay.ts'
import { SYSLOG_RELAY, syslogLines } from './syslog-relay.ts'

/** A phone's log as it is written. Disposing hangs up. */
export interface PhoneLog extends AsyncDisposable {
  /** Which of the phone's two services tells it. */
  readonly service: 'os_trace_relay' | 'syslog_relay'
  /** How many records were left out so far, because they could not be understood. */
  readonly skipped: number
  /** The lines that fit, one after another as they are pulled, until the phone hangs up (`wire.closed`). One reader. */
  lines(options: WaitOptions): AsyncGenerator<LogLine>
}

const START_MS_MAX = 30_000
/** The phone is too old for os_trace_relay, or somebody forbids it. */
const FALLS_BACK = new Set(['device.log-refused', 'device.service-refused'])

/**
 * Opens the phone's log: os_trace_relay, which tells more, or where the phone refuses that, syslog_relay. What the phone
 * itself cannot filter is filtered here. Throws what `openService` throws.
 */
export async function openPhoneLog(phone: Phone, filter: LogFilter, { signal }: WaitOptions): Promise<PhoneLog> {
  const { service, ...parts } = await openEither(phone, filter, { signal })
  return new Log(service, { ...parts, filter })
}

interface LogService {
  readonly service: PhoneLog['service']
  readonly channel: ByteChannel
  readonly read: (
    channel: ByteChannel,
    options: WaitOptions & { readonly onSkipped: () => void },
  ) => AsyncIterable<LogLine>
}

async function openEither(phone: Phone, filter: LogFilter, { signal }: WaitOptions): Promise<LogService> {
  try {
    return { service: 'os_trace_relay', channel: await openTrace(phone, filter, { signal }), read: traceLines }
  } catch (error) {
    if (!isAppError(error) || !FALLS_BACK.has(error.code)) throw error
    return { service: 'syslog_relay', channel: await openService(phone, SYSLOG_RELAY, { signal }), read: syslogLines }
  }
}

async function openTrace(phone: Phone, { pid, level }: LogFilter, { signal }: WaitOptions): Promise<ByteChannel> {
  await using opened = new AsyncDisposableStack()
  const channel = opened.use(await openService(phone, OS_TRACE_RELAY, { signal }))
  const withInfo = level === 'info' || level === 'debug'
  const late = () => notAnswering(`The phone's ${OS_TRACE_RELAY}`, START_MS_MAX / 1000)
  await withinTime({ ms: START_MS_MAX, clock: phone.clock, late, signal }, (signal) =>
    startActivity(channel, { pid, withInfo, signal }),
  )
  opened.move()
  return channel
}

interface LogParts extends Omit<LogService, 'service'> {
  readonly filter: LogFilter
}

class Log implements PhoneLog {
  readonly service: PhoneLog['service']
  readonly #parts: LogParts
  #skipped = 0

  constructor(service: PhoneLog['service'], parts: LogParts) {
    this.service = service
    this.#parts = parts
  }

  get skipped(): number {
    return this.#skipped
  }

  async *lines({ signal }: WaitOptions): AsyncGenerator<LogLine> {
    const { channel, filter, read } = this.#parts
    for await (const line of read(channel, { onSkipped: () => this.#skipped++, signal })) {
      if (fitsFilter(line, filter)) yield line
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.channel[Symbol.asyncDispose]()
  }
}
