import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ACTIONS, WALKS } from './engine.ts'
import { MODELS, RESTART_FAMILIES } from './models/models.ts'
import { type StepsFor, stepsOf } from './steps.ts'
import { LANGUAGES } from './texts/speaker.ts'

const REMEDIES = [...ACTIONS, ...WALKS]
const GENERATIONS = [
  '9.3.6',
  '10.3.4',
  '11.4',
  '12.5.8',
  '13.7',
  '14.8',
  '15.8.8',
  '16.7.16',
  '17.7.11',
  '18.7',
  '26.1',
  '27.1',
]
const STEP_LENGTH_MAX = 420

const textOf = (remedy: (typeof REMEDIES)[number], options: StepsFor) => stepsOf(remedy, options).join('\n')

test('every remedy has short, whole steps, for every iOS, every device and in both languages', () => {
  for (const language of LANGUAGES) {
    for (const ios of [...GENERATIONS, undefined, 'nonsense']) {
      for (const deviceClass of ios === '12.5.8'
        ? (['iPhone', 'iPad', 'iPod', undefined] as const)
        : (['iPhone'] as const)) {
        for (const remedy of REMEDIES) {
          const steps = stepsOf(remedy, { language, ios, deviceClass })
          assert.ok(steps.length > 0 && steps.length < 9, remedy)
          for (const step of steps) {
            assert.doesNotMatch(step, /[{}]|undefined| {2}| :$/, `${remedy}, ${ios}`)
            assert.match(step, /^\S.*\S$/, remedy)
            assert.ok(step.length <= STEP_LENGTH_MAX, `${remedy}: ${step}`)
          }
        }
      }
    }
  }
})

test('labels are those of the iOS', () => {
  const at = (ios: string) => textOf('turn-on-switch', { language: 'en', ios, deviceClass: 'iPhone' })
  assert.match(at('9.3.6'), /^Open “Settings” and tap these, one after the other: “iCloud”, “Backup”\./)
  assert.match(at('10.3'), /your name at the very top, “iCloud”, “iCloud Backup”\./)
  assert.match(at('15.8'), /Switch on “iCloud Backup”/)
  assert.match(at('16.0'), /Switch on “Back Up This iPhone”/)
  const reset = (ios: string) => textOf('reset-all-settings', { language: 'en', ios, deviceClass: 'iPad' })
  assert.match(reset('14.8'), /“General”, “Reset”\./)
  assert.match(reset('15.0'), /“General”, “Transfer or Reset iPad”, “Reset”\./)
  const account = (ios: string) => textOf('sign-in', { language: 'de', ios })
  assert.match(account('17.7'), /Passwort Ihrer Apple-ID/)
  assert.match(account('18.0'), /Passwort Ihres Apple Accounts/)
})

test('German labels are those of German phones', () => {
  const text = textOf('reset-all-settings', { language: 'de', ios: '17.5', deviceClass: 'iPhone' })
  assert.match(text, /„Allgemein“, „iPhone übertragen\/zurücksetzen“, „Zurücksetzen“/)
  assert.match(textOf('back-up-now', { language: 'de', ios: '17.5' }), /„Backup jetzt erstellen“/)
})

test('where a label is not sure, and only there, the search of the settings is explained, once', () => {
  const hints = (options: StepsFor) =>
    [...textOf('turn-on-switch', options).matchAll(/Not there\?|Nicht zu finden\?/g)].length
  assert.equal(hints({ language: 'en', ios: '17.5' }), 0)
  assert.equal(hints({ language: 'de', ios: '17.5' }), 1)
  assert.equal(hints({ language: 'en', ios: '18.0' }), 1)
  assert.equal(hints({ language: 'en', ios: '27.0' }), 1)
  assert.equal(hints({ language: 'en' }), 1)
  assert.match(
    textOf('turn-on-switch', { language: 'en' }),
    /Open “Settings”, pull the list down a little and type “iCloud Backup” into the search box\./,
  )
})

test('a restart is told by the buttons of the model', () => {
  for (const family of RESTART_FAMILIES) {
    const model = MODELS.find(({ restart }) => restart === family)?.type
    assert.ok(stepsOf('restart', { language: 'en', model, ios: '18.0' }).length >= 4, family)
  }
  assert.match(
    textOf('restart', { language: 'en', model: 'iPhone14,5' }),
    /^Hold the side button and one of the volume/,
  )
  assert.match(textOf('restart', { language: 'en', model: 'iPhone14,6' }), /^Hold the side button until/)
  assert.match(textOf('restart', { language: 'de', model: 'iPad16,3' }), /^Halten Sie die obere Taste und eine der/)
  assert.match(textOf('restart', { language: 'en', model: 'iPhone19,4', ios: '27.1' }), /“General”, “Shut Down”/)
  assert.match(textOf('restart', { language: 'en', ios: '9.3.6' }), /^Hold the button that turns the screen off/)
})

test('a backup by hand comes last where it is wanted and not among the steps anyway', () => {
  const options = { language: 'en', ios: '17.5', thenBackUpNow: true } as const
  assert.match(stepsOf('join-wifi', options).at(-1) ?? '', /^Afterwards: Open “Settings”.*Tap “Back Up Now”/)
  assert.deepEqual(stepsOf('turn-on-switch', options), stepsOf('turn-on-switch', { ...options, thenBackUpNow: false }))
})

test('what loses something begins with a backup', () => {
  for (const remedy of ['reset-all-settings', 'sign-out-and-in', 'delete-this-copy'] as const) {
    assert.match(stepsOf(remedy, { language: 'en' })[0] ?? '', /^Make a backup on a computer first/, remedy)
  }
})
