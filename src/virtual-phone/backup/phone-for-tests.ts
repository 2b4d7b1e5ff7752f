import { orAbort } from '../../base/abort.ts'
import type { Clock } from '../../base/clock.ts'
import type { Plist } from '../../plist/index.ts'
import { openSeededContents } from '../contents/index.ts'
import { type BackupPhone, newBackupAgent } from './backup-phone.ts'

/** A clock that stands still until somebody moves it. */
export class ManualClock implements Clock {
  #nowMs = Date.UTC(2026, 5, 1)
  readonly #sleepers = new Set<{ untilMs: number; wake: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  elapsedMs(): number {
    return this.#nowMs
  }

  async sleep(ms: number, { signal }: { signal: AbortSignal }): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const sleeper = { untilMs: this.#nowMs + ms, wake: resolve }
    this.#sleepers.add(sleeper)
    try {
      await orAbort(promise, signal)
    } finally {
      this.#sleepers.delete(sleeper)
    }
  }

  pass(ms: number): void {
    this.#nowMs += ms
    for (const { untilMs, wake } of this.#sleepers) if (untilMs <= this.#nowMs) wake()
  }
}

export interface PhoneForTests extends BackupPhone {
  readonly clock: ManualClock
  /** What was posted, in order. */
  readonly posted: string[]
  /** Called at every post. */
  onPost: (notification: string) => void
}

export const UDID = '00008120-000A11112222001E'

/** A small phone whose clock stands still. */
export function newPhone({ files = 300, bytes = 1_000_000, seed = 7 } = {}): PhoneForTests {
  const clock = new ManualClock()
  const values = new Map<string, Plist>([[':DeviceName', 'Phone for tests']])
  const posted: string[] = []
  return {
    udid: UDID,
    contents: openSeededContents({ seed, files, bytes, ios: '17.5', clock }),
    clock,
    lockdown: {
      get: (domain, key) => values.get(`${domain}:${key}`),
      set: (domain, key, value) => void values.set(`${domain}:${key}`, value),
    },
    agent: newBackupAgent(),
    posted,
    onPost: () => undefined,
    post(notification) {
      posted.push(notification)
      this.onPost(notification)
    },
  }
}
