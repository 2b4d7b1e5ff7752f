/** Compares `26.6.1` with `26.10`; undefined where one of them is no version. */
export function compareVersions(one: string, other: string): number | undefined {
  const [left, right] = [partsOf(one), partsOf(other)]
  if (left === undefined || right === undefined) return undefined
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0)
    if (difference !== 0) return Math.sign(difference)
  }
  return 0
}

/** The 26 of 26.6.1. */
export function majorOf(version: string): number | undefined {
  return partsOf(version)?.[0]
}

/** Builds of betas end in a lower-case letter: 24A5380h. */
export function isBetaBuild(build: string): boolean {
  return /^\d+[A-Z]\d+[a-z]$/.test(build)
}

function partsOf(version: string): readonly number[] | undefined {
  const bare = version.trim().replace(/ ?\([a-z]\)$/, '')
  return /^\d{1,4}(\.\d{1,4}){0,3}$/.test(bare) ? bare.split('.').map(Number) : undefined
}
