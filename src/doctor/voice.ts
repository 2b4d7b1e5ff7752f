/**
 * The voice of the doctor: what the engine found, said to people in their language, for a terminal, a report or a page.
 * Pure, and without any API of Node. Everything of it is entered here.
 */
export { choicesFor, readReply } from './answers.ts'
export { deviceClassOf, MODELS, type Model, modelNamed, modelNameIn, modelOf } from './models/models.ts'
export { type Page, wrap } from './render/page.ts'
export { answerTexts, questionLines } from './render/question.ts'
export { adviceLines, diagnosisLines, remedyLines } from './render/screen.ts'
export { lossOf, type Patient, type ToldCheck } from './render/told.ts'
export { watchMessage } from './render/watching.ts'
export { type Report, type ReportSource, reportMarkdown, reportOf } from './report.ts'
export { type StepsFor, stepsOf } from './steps.ts'
export { LANGUAGES, type Language, type Listener, type Speaker, speakerFor } from './texts/speaker.ts'
