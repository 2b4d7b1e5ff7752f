import type { CalendarDuration } from './keep-policy.ts'

/**
 * Reads an RFC 3339 time as Go does: `Z` is UTC, and an offset that the local time zone has at that moment means the local time
 * zone, with its summer time; any other offset stays as it is.
 */
export function parseGoTime(text: string, timeZone: string): Temporal.ZonedDateTime {
  const instant = Temporal.Instant.from(text)
  const offset = /[+-]\d\d:\d\d$/.exec(text)?.[0]
  if (offset === undefined) return instant.toZonedDateTimeISO('UTC')
  const local = instant.toZonedDateTimeISO(timeZone)
  const fixed = instant.toZonedDateTimeISO(offset)
  return local.offsetNanoseconds === fixed.offsetNanoseconds ? local : fixed
}

/**
 * Goes back as Go's `AddDate` does: a day that the month does not have runs over into the next one, and a wall-clock time that
 * summer time skips or repeats is taken by the offset that Go guesses. The hours are elapsed ones.
 */
export function subtractAsGo(
  from: Temporal.ZonedDateTime,
  { years, months, days, hours }: CalendarDuration,
): Temporal.Instant {
  const month = from.toPlainDate().with({ day: 1 }).subtract({ years, months })
  const date = month.add({ days: from.day - 1 }).subtract({ days })
  return instantAsGo(date.toPlainDateTime(from.toPlainTime()), from.timeZoneId).subtract({ hours })
}

/** Go takes the wall-clock time for UTC first, and corrects it by the offset that it finds there. */
function instantAsGo(wall: Temporal.PlainDateTime, timeZone: string): Temporal.Instant {
  const asUtc = wall.toZonedDateTime('UTC').toInstant()
  const offsetAt = (instant: Temporal.Instant) => instant.toZonedDateTimeISO(timeZone).offsetNanoseconds
  const guess = offsetAt(asUtc)
  if (guess === 0) return asUtc
  return asUtc.subtract({ nanoseconds: offsetAt(asUtc.subtract({ nanoseconds: guess })) })
}
