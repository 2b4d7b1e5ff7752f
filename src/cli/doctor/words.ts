import type { Language, Place } from '../../doctor/index.ts'

/** What the command itself says; everything about phones is in the doctor's own texts. */
export interface Words {
  readonly looking: string
  readonly places: { readonly [Name in Place]: string }
  readonly pair: { readonly dialog: string; readonly locked: string }
  readonly fewQuestions: string
  readonly isDone: string
  readonly yesOrNo: string
  readonly notUnderstood: string
  readonly later: string
  readonly noPhone: string
  readonly goodbye: string
  readonly noLog: string
  written(files: readonly string[]): string
}

const EN: Words = {
  looking: 'Looking:',
  places: {
    values: 'settings',
    battery: 'power',
    apps: 'apps',
    management: 'profiles',
    wifi: 'Wi-Fi',
    services: "Apple's services",
    updates: 'newest iOS',
    repository: 'our backups',
    backup: 'last backup',
  },
  pair: {
    dialog: 'Tap "Trust" on the device and enter its passcode.',
    locked: 'Unlock the device: it will then ask whether to trust this computer.',
  },
  fewQuestions: 'A few questions may tell why.',
  isDone: 'Done? (y: look again, n: not possible, Return: later) ',
  yesOrNo: '[y/N] ',
  notUnderstood: 'That was not understood. Please try again.',
  later: 'Start the doctor again when you like: it remembers what was tried.',
  noPhone: 'Without a device at hand, "phonekeep doctor --no-phone" asks questions instead.',
  goodbye: 'Start the doctor again tomorrow: then it is seen whether this was it.',
  noLog: 'The device does not let its log be read; going on without.',
  written: (files) => `Written: ${files.join(' and ')}. Names, numbers and addresses are left out.`,
}

const DE: Words = {
  looking: 'Nachsehen:',
  places: {
    values: 'Einstellungen',
    battery: 'Strom',
    apps: 'Apps',
    management: 'Profile',
    wifi: 'WLAN',
    services: 'Apples Dienste',
    updates: 'neuestes iOS',
    repository: 'unsere Backups',
    backup: 'letztes Backup',
  },
  pair: {
    dialog: 'Tippen Sie auf dem Gerät auf „Vertrauen“ und geben Sie den Code ein.',
    locked: 'Entsperren Sie das Gerät: Es fragt dann, ob es diesem Computer vertrauen soll.',
  },
  fewQuestions: 'Ein paar Fragen können zeigen, warum.',
  isDone: 'Erledigt? (j: nachsehen, n: geht nicht, Eingabetaste: später) ',
  yesOrNo: '[j/N] ',
  notUnderstood: 'Das war nicht zu verstehen. Bitte noch einmal.',
  later: 'Starten Sie den Doktor wieder, wann Sie mögen: Er merkt sich, was versucht wurde.',
  noPhone: 'Ohne ein Gerät zur Hand stellt „phonekeep doctor --no-phone“ stattdessen Fragen.',
  goodbye: 'Starten Sie den Doktor morgen noch einmal: Dann zeigt sich, ob es das war.',
  noLog: 'Das Gerät lässt sein Protokoll nicht lesen; es geht ohne weiter.',
  written: (files) => `Geschrieben: ${files.join(' und ')}. Namen, Nummern und Adressen sind weggelassen.`,
}

export const WORDS: { readonly [Name in Language]: Words } = { en: EN, de: DE }

/** Yes in either language. */
export function isYes(answer: string): boolean {
  return /^(y(es)?|j(a)?)$/i.test(answer.trim())
}

/** No in either language. */
export function isNo(answer: string): boolean {
  return /^n(o|ein)?$/i.test(answer.trim())
}
