/**
 * The engine of the doctor: pure functions over facts, without any API of Node, so that a page can run it in a browser.
 * Everything of it is entered here.
 */

export { type Answers, answer, UNSURE } from './engine/answers.ts'
export { type CauseId, CLOUD_CAUSES, OWN_CAUSES } from './engine/causes.ts'
export { diagnose } from './engine/diagnose.ts'
export type { BackupVerdict, Diagnosis, NextStep, Protection, Verdict } from './engine/diagnosis.ts'
export { EVIDENCE } from './engine/evidence.ts'
export {
  type AppleService,
  type AppleServices,
  type AppSize,
  type CloudError,
  type Condition,
  type FactName,
  type Facts,
  type FactValues,
  known,
  type LinkQuality,
  type Management,
  type NewestIos,
  PHONE_MESSAGES,
  type PhoneMessage,
  type PlanUse,
  type Power,
  type Readings,
  type Room,
} from './engine/facts.ts'
export { BEYOND, type Finding, NINE, OWN } from './engine/finding.ts'
export type { Trial } from './engine/history.ts'
export { majorOf } from './engine/ios-version.ts'
export { type BackupNews, isBackupNews, type Logged, withLog } from './engine/log-facts.ts'
export { errorIn, type LogEvent, parseLogLine } from './engine/log-lines.ts'
export type { Message, MessageValue } from './engine/message.ts'
export { type NightSample, nightsOf } from './engine/nights.ts'
export { QUESTIONS, type QuestionId } from './engine/questions.ts'
export type { FactSource, Reading, UnreadReason } from './engine/reading.ts'
export { ACTIONS, type ActionId, type RemedyId, WALKS } from './engine/remedies.ts'
