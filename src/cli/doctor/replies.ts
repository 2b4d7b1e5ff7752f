import type { Speaker } from '../../doctor/index.ts'
import { askLine } from '../consent.ts'
import type { Context } from '../context.ts'
import { wrapped } from '../words.ts'

/** Asks for a yes or a no until it is one, in either language; `nothing` for an empty line. */
export async function askYesOrNo(
  question: string,
  speaker: Speaker,
  { terminal, signal }: Context,
): Promise<'yes' | 'no' | 'nothing'> {
  const prompt = `\n${wrapped(question, terminal.columns - 1).join('\n')} `
  for (;;) {
    const reply = (await askLine(prompt, signal)).trim()
    if (reply === '') return 'nothing'
    if (/^(y(es)?|j(a)?)$/i.test(reply)) return 'yes'
    if (/^n(o|ein)?$/i.test(reply)) return 'no'
    terminal.err(speaker.say({ key: 'visit.yes-no-only' }))
  }
}
