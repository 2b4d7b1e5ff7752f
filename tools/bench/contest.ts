import { type Measured, medianOf } from './measure.ts'

/** One who takes part: every call is one round, from the same beginning. */
export interface Contestant {
  readonly name: string
  readonly round: () => Promise<Measured>
}

/** Several who do the same; the first is what the others are compared with. */
export interface Contest {
  readonly title: string
  readonly contestants: readonly Contestant[]
}

export interface Result {
  readonly name: string
  readonly median: Measured
}

/** The rounds are interleaved, so that a machine that is busy for a while is busy for all. */
export async function hold(
  { title, contestants }: Contest,
  { rounds, say }: { rounds: number; say: (line: string) => void },
): Promise<readonly Result[]> {
  const measured = contestants.map(({ name, round }) => ({ name, round, results: [] as Measured[] }))
  for (let round = 0; round < rounds; round++) {
    for (const each of measured) each.results.push(await each.round())
  }
  const results = measured.map(({ name, results }) => ({ name, median: medianOf(results) }))
  say(
    `${title}: ${results.map(({ name, median }) => `${name} ${median.seconds.toFixed(2)} s (${median.processorSeconds.toFixed(2)})`).join(', ')}`,
  )
  return results
}

/** A Markdown table of a contest's results. */
export function tableOf(title: string, results: readonly Result[]): string {
  const first = results[0]?.median.seconds ?? Number.NaN
  const rows = results.map(({ name, median: { seconds, processorSeconds, peakBytes } }) => {
    const cells = [name, seconds.toFixed(2), (seconds / first).toFixed(2), processorSeconds.toFixed(2)]
    return `| ${[...cells, (peakBytes / 2 ** 20).toFixed(0)].join(' | ')} |`
  })
  const head = [
    `### ${title}`,
    '',
    '| | seconds | times ours | processor seconds | peak MiB |',
    '|---|---|---|---|---|',
  ]
  return [...head, ...rows, ''].join('\n')
}
