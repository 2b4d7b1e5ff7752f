import type { FactName } from './facts.ts'
import type { Evidence } from './finding.ts'
import type { MessageValue } from './message.ts'

/** Everything that a check may say it saw, and the values in each text. The keys of the catalogue are `evidence.<key>`. */
export const EVIDENCE = {
  // What iCloud has
  'cloud-last': ['when', 'age'],
  /** As a person remembers it, so only roughly. */
  'cloud-last-told': ['age'],
  'cloud-never': [],
  'cloud-before-restore': ['when', 'restored'],
  'cloud-in-future': ['when'],
  /** Known from an earlier look only. */
  'cloud-last-noted': ['when', 'noted'],
  /** A backup so fresh that this must have worked. */
  'proved-by-backup': ['when'],
  // Switch
  'switch-on': [],
  'switch-off': [],
  'switch-never': [],
  'switch-off-in-log': [],
  'switched-on': ['when'],
  /** iCloud may delete the last copy from that day on. */
  'copy-may-go': ['day'],
  // Wi-Fi
  'on-wifi': [],
  'off-wifi': [],
  'wifi-in-log': [],
  'no-wifi-in-log': [],
  'nights-with-wifi': ['nights', 'without'],
  'nights-without-wifi': ['nights', 'without'],
  'wifi-at-night': [],
  'no-wifi-at-night': [],
  'link-good': ['ms'],
  'link-weak': ['ms', 'lostPercent'],
  // Power and lock
  'on-power': [],
  'no-power': [],
  /** It charges from this computer, which says nothing about its nights. */
  'our-cable': [],
  'cable-dead': [],
  'adapter-watts': ['watts'],
  'adapter-unrecognized': [],
  'adapter-without-power': [],
  draining: [],
  'power-in-log': [],
  'no-power-in-log': [],
  'nights-with-power': ['nights', 'without'],
  'nights-without-power': ['nights', 'without'],
  'charges-at-night': [],
  'no-charge-at-night': [],
  'not-locked-in-log': [],
  'nights-unlocked': ['nights', 'without'],
  'unlocked-at-night': [],
  'no-passcode': [],
  'never-in-condition': ['nights'],
  'worked-by-hand': [],
  // Storage
  'cloud-room': ['free', 'total'],
  'cloud-room-tight': ['free', 'total'],
  'app-too-big': ['app', 'size', 'free'],
  // Apple's services
  'services-ok': [],
  'service-outage': ['service'],
  'service-outage-since': ['service', 'since'],
  /** The outage began after backups had stopped. */
  'outage-began-later': ['since'],
  'service-recently-fixed': ['service'],
  'services-unknown': [],
  // Account
  'signed-in': [],
  'signed-out': [],
  'account-fine': [],
  'account-wants-attention': [],
  // Restart
  'up-since': ['when', 'age'],
  'not-unlocked': [],
  // Settings
  'settings-untold': [],
  // Update
  'ios-newest': ['ios'],
  'ios-newer-there': ['ios', 'newest'],
  'ios-last-for-model': ['ios'],
  'ios-no-more-updates': ['ios'],
  'ios-beta': ['build'],
  'ios-too-old': ['ios'],
  // Beyond the nine
  'not-managed': [],
  'managed-by': ['organization'],
  managed: [],
  profiles: ['count'],
  'cloud-forbidden': [],
  'screen-time-locks': [],
  'switch-greyed-out': [],
  'phone-room': ['free'],
  'phone-room-tight': ['free'],
  'clock-right': [],
  'clock-ahead': ['by'],
  'clock-behind': ['by'],
  'own-clock-ahead': ['by'],
  'own-clock-behind': ['by'],
  'low-power-on': [],
  'low-power-off': [],
  'low-data-on': [],
  'low-data-off': [],
  'vpn-on': [],
  'vpn-off': [],
  'errors-repeat': ['count'],
  'errors-none': [],
  'next-backup': ['when'],
  'next-backup-far': ['when'],
  'setup-done': [],
  'setup-unfinished': [],
  restoring: [],
  'not-restoring': [],
  // Our own backups
  reached: ['how'],
  'not-reached': [],
  'not-reached-since': ['when'],
  trusted: [],
  /** The values are codes of errors. */
  obstacle: ['code'],
  'wifi-connections-on': [],
  'wifi-connections-off': [],
  'own-last': ['when', 'age'],
  'own-never': [],
  'own-failure': ['code', 'when'],
  'own-room': ['free'],
  'own-room-tight': ['free'],
  'own-allowance': ['used', 'total'],
  'own-not-set-up': [],
  'repository-opens': [],
  'repository-obstacle': ['code'],
  'not-encrypted': [],
  'password-known': [],
  'password-unknown': [],
  'encryption-required': [],
  // Of every check
  /** What the phone shows: `phone-message.<id>` of the catalogue. */
  'phone-says': ['text'],
  'error-noted': ['domain', 'code', 'when'],
  /** `why` is `unread.<reason>` of the catalogue. */
  unread: ['why'],
  /** An answer that cannot be right. */
  odd: [],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type EvidenceKey = keyof typeof EVIDENCE

type Values<Key extends EvidenceKey> = Readonly<Record<(typeof EVIDENCE)[Key][number], MessageValue>>

/** Something seen in those facts. */
export function saw<Key extends EvidenceKey>(key: Key, facts: readonly FactName[], values: Values<Key>): Evidence {
  return { message: { key: `evidence.${key}`, values }, facts }
}
