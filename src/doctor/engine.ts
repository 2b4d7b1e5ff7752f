/**
 * The engine of the doctor: pure functions over facts, without any API of Node, so that a page can run it in a browser.
 * Everything of it is entered here.
 */

export * from './engine/answers.ts'
export * from './engine/causes.ts'
export * from './engine/checks.ts'
export * from './engine/cures.ts'
export * from './engine/diagnose.ts'
export * from './engine/diagnosis.ts'
export * from './engine/error-codes.ts'
export * from './engine/evidence.ts'
export * from './engine/facts.ts'
export * from './engine/finding.ts'
export * from './engine/history.ts'
export * from './engine/interview.ts'
export * from './engine/ios-version.ts'
export * from './engine/log-facts.ts'
export * from './engine/log-lines.ts'
export * from './engine/message.ts'
export * from './engine/nights.ts'
export * from './engine/own-obstacles.ts'
export * from './engine/question-facts.ts'
export * from './engine/questions.ts'
export * from './engine/reading.ts'
export * from './engine/remedies.ts'
export * from './engine/thresholds.ts'
