/** Fault tests have a short form, a long one for nights, and a seed that repeats what happened. */

/** The seed of the first point; the others follow it. */
export const SEED = Number(process.env.PHONEKEEP_TEST_SEED ?? 1)

/** How many points to try: so many, or as many as the variable PHONEKEEP_TEST_<name> says. */
export function pointsOf(name: 'KILLS' | 'INJECTIONS' | 'POWER_CUTS' | 'DISK_STATES' | 'RACES', few: number): number {
  return Number(process.env[`PHONEKEEP_TEST_${name}`] ?? few)
}
