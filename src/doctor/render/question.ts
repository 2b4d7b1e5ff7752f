import { choicesFor } from '../answers.ts'
import type { QuestionId } from '../engine.ts'
import { CATALOGUES, type Speaker } from '../texts/speaker.ts'
import { type Page, paint, wrap } from './page.ts'
import { numbered } from './screen.ts'

/** A question with its numbered answers, "I don't know" the last; or with an example, where the answer is typed. */
export function questionLines(question: QuestionId, speaker: Speaker, page: Page): readonly string[] {
  const asked = wrap(speaker.say({ key: `question.${question}` }), page)
  const choices = choicesFor(question)
  const hints =
    choices === undefined
      ? [speaker.say({ key: `question.${question}.hint` }), speaker.say({ key: 'screen.typed-hint' })]
      : [speaker.say({ key: 'screen.answer-hint' })]
  return [
    ...asked.map((line) => paint(line, 'heading', page)),
    ...answerTexts(question, speaker).flatMap((text, index) => wrap(text, page, { lead: numbered(index) })),
    ...hints.flatMap((hint) => wrap(hint, page)),
  ]
}

/** The answers to choose from, in words, "I don't know" the last; none where the answer is typed. */
export function answerTexts(question: QuestionId, speaker: Speaker): readonly string[] {
  const choices = choicesFor(question)
  if (choices === undefined) return []
  const keys = choices.map((choice) => answerKey(question, choice, speaker))
  return [...keys, 'answer.unsure'].map((key) => speaker.say({ key }))
}

/** Most answers belong to their question; yes and no are the same everywhere, and messages have texts of their own. */
function answerKey(question: QuestionId, choice: string, speaker: Speaker): string {
  const own = `question.${question}.answer.${choice}`
  if (own in CATALOGUES[speaker.language]) return own
  return question === 'message-on-phone' ? `phone-message.${choice}` : `answer.${choice}`
}
