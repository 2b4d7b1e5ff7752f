import type { Plist } from '../../plist/index.ts'
import { type BackupPhone, newBackupAgent } from '../backup/backup-phone.ts'
import { Condition } from '../condition/index.ts'
import { openSeededContents } from '../contents/index.ts'
import { Faults } from '../faults/index.ts'
import { traitsOf } from '../personality/index.ts'
import { type StoppedClock, stoppedClock } from './stopped-clock.ts'

export interface PhoneForTests extends BackupPhone {
  readonly clock: StoppedClock
  /** What was posted, in order. */
  readonly posted: string[]
  /** How often it was erased. */
  erasures: number
  /** How often it was told to restart. */
  restarts: number
  /** What RestoreApplications.plist lists. */
  appsToInstall: ReadonlySet<string>
  /** Called at every post. */
  onPost: (notification: string) => void
}

export const UDID = '00008120-000A11112222001E'

/** A small phone whose clock stands still. */
export function newPhone({ files = 300, bytes = 1_000_000, seed = 7, ios = '17.5' } = {}): PhoneForTests {
  const clock = stoppedClock(Date.UTC(2026, 5, 1))
  const condition = new Condition()
  const values = new Map<string, Plist>([[':DeviceName', 'Phone for tests']])
  const posted: string[] = []
  return {
    udid: UDID,
    contents: openSeededContents({ seed, files, bytes, ios, clock }),
    clock,
    condition,
    traits: traitsOf(ios),
    faults: new Faults({ clock, phone: { lock: () => condition.lock(), restart: () => undefined } }),
    lockdown: {
      get: (domain, key) => values.get(`${domain}:${key}`),
      set: (domain, key, value) => void values.set(`${domain}:${key}`, value),
    },
    agent: newBackupAgent(),
    onBackedUp: () => undefined,
    erasures: 0,
    onErase() {
      this.erasures += 1
    },
    restarts: 0,
    onRestart() {
      this.restarts += 1
    },
    appsToInstall: new Set(),
    restoreApplications() {
      return this.appsToInstall
    },
    posted,
    onPost: () => undefined,
    post(notification) {
      posted.push(notification)
      this.onPost(notification)
    },
  }
}
