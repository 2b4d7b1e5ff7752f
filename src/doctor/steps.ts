import type { RemedyId } from './engine.ts'
import { type DeviceClass, deviceClassOf, modelOf } from './models/models.ts'
import { CATALOGUES, type Language, type Speaker, speakerFor } from './texts/speaker.ts'
import { quoted, type Wording, wordingFor } from './texts/wording.ts'

/** The phone that the steps are for; what is not known is left out. */
export interface StepsFor {
  readonly language: Language
  /** Such as `iPhone13,2`. */
  readonly model?: string | undefined
  readonly ios?: string | undefined
  readonly deviceClass?: DeviceClass | undefined
  /** A backup by hand follows, as the phone would otherwise wait for days. */
  readonly thenBackUpNow?: boolean | undefined
}

/**
 * What the person does, in sentences, one step each, with the labels that this very phone shows. The first step that names
 * a label which may read otherwise also says how to search the settings for it.
 */
export function stepsOf(remedy: RemedyId, options: StepsFor): readonly string[] {
  const { language, model, ios, deviceClass, thenBackUpNow = false } = options
  const device = deviceClass ?? (model === undefined ? undefined : deviceClassOf(model))
  const speaker = speakerFor(language, { timeZone: 'UTC', deviceClass: device })
  const wording = wordingFor(speaker, { ios, deviceClass: device })
  const steps = stepKeys(remedy, language, model)
    .map((key) => speaker.say({ key, values: wording.values }))
    .filter((step) => step !== '')
  const isThere = steps.some((step) => step.includes(wording.values.label_back_up_now ?? ''))
  const then = thenBackUpNow && !isThere ? [speaker.say({ key: 'step.back-up-now', values: wording.values })] : []
  // A look by the doctor comes when all is done.
  const end = steps.at(-1)?.includes('phonekeep doctor') ? steps.length - 1 : steps.length
  return withSearch(steps.toSpliced(end, 0, ...then), speaker, wording)
}

/** The keys of its steps, in order; those of a restart are told by the buttons of the model. */
export function stepKeys(remedy: RemedyId, language: Language, model: string | undefined): readonly string[] {
  const buttons = model === undefined ? 'foldable-unsure' : modelOf(model).restart
  const stem = remedy === 'restart' ? `remedy.restart.${buttons}.step` : `remedy.${remedy}.step`
  const keys: string[] = []
  for (let key = `${stem}.1`; key in CATALOGUES[language]; key = `${stem}.${keys.length + 1}`) keys.push(key)
  return keys
}

function withSearch(steps: readonly string[], speaker: Speaker, wording: Wording): readonly string[] {
  const at = steps.findIndex((step) => unsureIn(step, wording) !== undefined)
  const unsure = unsureIn(steps[at] ?? '', wording)
  if (unsure === undefined) return steps
  const settings = wording.values.label_settings ?? ''
  const hint = speaker.say({ key: 'step.search', values: { settings, term: quoted(speaker, unsure.search) } })
  return steps.with(at, `${steps[at]} ${hint}`)
}

function unsureIn(step: string, { unsure }: Wording) {
  return unsure.find(({ text }) => step.includes(text))
}
