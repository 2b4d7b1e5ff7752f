/** Seconds from 1970, where Unix starts to count, to 2001, where Apple does. */
const APPLE_EPOCH_S = 978_307_200

/** The whole seconds that lockdownd's dates of backups are. Source: docs/protocol/lockdown.md#values */
export function secondsSince2001(nowMs: number): number {
  return Math.floor(nowMs / 1000) - APPLE_EPOCH_S
}
