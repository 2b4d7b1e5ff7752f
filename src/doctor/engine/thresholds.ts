/** Where a check draws its lines. Source: docs/protocol/doctor.md#thresholds */

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/** An iCloud backup is made every day, so one and a half days are still well. */
export const FRESH_MS = 36 * HOUR_MS
export const LATE_MS = 7 * DAY_MS
/** When the phone itself begins to warn. */
export const STALE_MS = 14 * DAY_MS
/** Our own backups need a passcode, so a week between them is well. */
export const OWN_FRESH_MS = 7 * DAY_MS
export const OWN_LATE_MS = 14 * DAY_MS
/** A backup that is fresh enough before something that may lose data. */
export const SAFE_MS = DAY_MS
/** Apple may delete the last copy so long after the switch went off. */
export const COPY_KEPT_MS = 180 * DAY_MS

export const CLOCK_OFF_MS = 5 * MINUTE_MS
export const LONG_UP_MS = 30 * DAY_MS
/** The phone plans a backup a day ahead; further than that, it was told or has decided to wait. */
export const PLANNED_MS = 26 * HOUR_MS

/** Below that, neither the phone nor iCloud has room for a backup. */
export const ROOM_BYTES = 1e9
export const FULL_SHARE = 0.99
/** With so much free in iCloud, that it was full before is over: hardly a backup needs more. */
export const AMPLE_BYTES = 20e9

export const WEAK_LINK_MS = 400
export const WEAK_LINK_SHARE = 0.05

/** So many nights must have been watched before they say anything. */
export const NIGHTS_MIN = 3
export const BAD_NIGHTS_SHARE = 0.5

/** At that charge and above a phone may hold still on its charger. */
export const HELD_PERCENT = 80
/** A charger that gives less takes all night or longer. */
export const WEAK_WATTS = 4
