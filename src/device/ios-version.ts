/** Compares two iOS versions such as `16.1` and `15.7.1` by their numbers; missing ones count as 0. Negative: the first is older. */
export function compareIos(one: string, other: string): number {
  const left = numbersOf(one)
  const right = numbersOf(other)
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

function numbersOf(version: string): readonly number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10) || 0)
}
