import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { IntlMessageFormat } from 'intl-messageformat'
import {
  ACTIONS,
  type AppleServices,
  type BackupVerdict,
  BEYOND,
  CLOUD_CAUSES,
  EVIDENCE,
  NINE,
  OWN,
  OWN_CAUSES,
  type PhoneMessage,
  type Protection,
  QUESTIONS,
  type UnreadReason,
  WALKS,
} from '../engine.ts'
import { RESTART_FAMILIES } from '../models/models.ts'
import { CATALOGUES, LANGUAGES, speakerFor } from './speaker.ts'
import { LABELS, PATHS, wordingFor } from './wording.ts'

const TEXT_LENGTH_MAX = 260

type Element = ReturnType<IntlMessageFormat['getAst']>[number]

const parsed = (text: string, language: string) =>
  new IntlMessageFormat(text, language, undefined, { ignoreTag: true }).getAst()

function variablesIn(elements: readonly Element[]): readonly string[] {
  return elements.flatMap((element) => {
    if ('options' in element) {
      return [element.value, ...Object.values(element.options).flatMap(({ value }) => variablesIn(value))]
    }
    return 'value' in element && element.type !== 0 ? [String(element.value)] : []
  })
}

const variablesOf = (language: 'en' | 'de', key: string) =>
  new Set(
    variablesIn(parsed(CATALOGUES[language][key] ?? '', language))
      .map((name) => name.replace(/_alone$/, ''))
      .filter((name) => name !== 'device' && name !== 'system'),
  )

const keysIn = (language: 'en' | 'de') => Object.keys(CATALOGUES[language])

function assertTexts(keys: readonly string[]): void {
  for (const language of LANGUAGES) {
    assert.deepEqual(
      keys.filter((key) => !(key in CATALOGUES[language])),
      [],
      `without a text in ${language}`,
    )
  }
}

test('both languages have the same texts, which name the same values', () => {
  assert.deepEqual(keysIn('de').toSorted(), keysIn('en').toSorted())
  for (const key of keysIn('en')) assert.deepEqual(variablesOf('de', key), variablesOf('en', key), key)
})

test('every cause, remedy, check and question has its texts', () => {
  const causes = [...CLOUD_CAUSES, ...OWN_CAUSES]
  const checks = [...NINE, ...BEYOND, ...OWN.map((name) => `own-${name}`)]
  const remedies = [...ACTIONS, ...WALKS]
  assertTexts([
    ...causes.flatMap((id) => [`cause.${id}`, `cause.${id}.why`]),
    ...checks.map((id) => `check.${id}`),
    ...QUESTIONS.map((id) => `question.${id}`),
    ...remedies.flatMap((id) => [`remedy.${id}`, `remedy.${id}.why`]),
    ...remedies.filter((id) => id !== 'restart').map((id) => `remedy.${id}.step.1`),
    ...RESTART_FAMILIES.map((family) => `remedy.restart.${family}.step.1`),
    ...ACTIONS.map((id) => `remedy.${id}.consent`),
  ])
})

test('everything that a check may say it saw has a text, with no value that it does not get', () => {
  for (const [id, values] of Object.entries(EVIDENCE)) {
    assertTexts([`evidence.${id}`])
    assert.deepEqual([...variablesOf('en', `evidence.${id}`)].toSorted(), [...values].toSorted(), id)
  }
  const told = keysIn('en').filter((key) => key.startsWith('evidence.'))
  assert.deepEqual(
    told.filter((key) => !(key.slice('evidence.'.length) in EVIDENCE)),
    [],
    'texts that nothing says',
  )
})

test('what a phone may show, and why a fact is not known, has a text', () => {
  const messages: Record<PhoneMessage, true> = {
    'storage-full': true,
    'not-backed-up-in-weeks': true,
    'could-not-be-completed': true,
    'files-unavailable': true,
    'no-wifi': true,
    'no-power': true,
    'account-unreachable': true,
    'email-unverified': true,
    'estimating-for-hours': true,
    'account-needs-update': true,
    'switch-is-grey': true,
    'being-restored': true,
    none: true,
  }
  const reasons: Record<UnreadReason, true> = {
    'not-asked': true,
    'no-phone': true,
    link: true,
    refused: true,
    odd: true,
    offline: true,
    unsure: true,
    silent: true,
  }
  assertTexts(Object.keys(messages).map((id) => `phone-message.${id}`))
  assertTexts(Object.keys(reasons).map((id) => `unread.${id}`))
})

test('every verdict, status and result has a text', () => {
  const backups: Record<BackupVerdict, true> = {
    healthy: true,
    waiting: true,
    late: true,
    problem: true,
    off: true,
    unknown: true,
  }
  const protections: Record<Protection, true> = { protected: true, 'at-risk': true, unprotected: true, unknown: true }
  const services: Record<keyof AppleServices, true> = { backup: true, account: true, storage: true }
  assertTexts([
    ...Object.keys(protections).map((id) => `verdict.${id}`),
    ...Object.keys(backups).flatMap((id) => [`verdict.icloud.${id}`, `verdict.local.${id}`]),
    ...['ok', 'problem', 'unknown', 'asked'].map((id) => `status.${id}`),
    ...['helped', 'did-not-help', 'declined', 'open'].map((id) => `trial.${id}`),
    ...Object.keys(services).map((id) => `service.${id}`),
    ...['usb', 'wifi'].map((id) => `reach.${id}`),
    ...['done', 'not-seen', 'failed', 'restarting'].map((id) => `act.${id}`),
  ])
})

test('every key that the code names has a text', () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const files = globSync(['src/doctor/**/*.ts', 'src/cli/**/*doctor*.ts', 'src/cli/doctor*/**/*.ts'], { cwd: root })
  const sources = files.filter((file) => !file.endsWith('.test.ts')).map((file) => readFileSync(root + file, 'utf8'))
  const named = sources.flatMap((source) =>
    [...source.matchAll(/\bkey: '([a-z-]+\.[\w.-]+)'/g)].map(([, key = '']) => key),
  )
  assert.ok(named.length > 10)
  assertTexts(named)
})

test('every text is short, in plain words, and set as its language wants it', () => {
  const FORBIDDEN =
    /\b(lockdown|daemon|udid|backupd|plist|mdm|repository|snapshot|gdmf|keybag|error code|fehlercode)\b/i
  for (const language of LANGUAGES) {
    for (const [key, text] of Object.entries(CATALOGUES[language])) {
      assert.ok(text.length > 0 && text.length <= TEXT_LENGTH_MAX, `${language} ${key}: ${text.length} characters`)
      assert.doesNotMatch(text, /—|\u2013 |"|'| {2}/, `${language} ${key}`)
      assert.doesNotMatch(text, FORBIDDEN, `${language} ${key}`)
    }
  }
  for (const [key, text] of Object.entries(CATALOGUES.de)) {
    assert.doesNotMatch(text, /\b(du|dir|dich|dein|deine|deinen|deinem|deiner)\b/i, key)
    assert.doesNotMatch(text, /[“][^“”„]*[”]/, `${key} has English quotation marks`)
  }
})

test('every label and path has wordings for both languages, from the oldest iOS to the newest', () => {
  assert.deepEqual(Object.keys(LABELS.de), Object.keys(LABELS.en))
  for (const language of LANGUAGES) {
    for (const [id, entries] of Object.entries(LABELS[language])) {
      assert.deepEqual(
        entries.map(({ from }) => from),
        LABELS.en[id]?.map(({ from }) => from),
        id,
      )
    }
  }
  for (const entries of [...Object.values(LABELS.en), ...Object.values(PATHS)]) {
    const versions = entries.map(({ from }) => Number(from))
    assert.ok(versions.length > 0 && versions.every((version) => version >= 9))
    assert.deepEqual(
      versions,
      versions.toSorted((one, other) => one - other),
    )
  }
})

test('steps and paths name labels that exist, and every label is named somewhere', () => {
  const speaker = speakerFor('en', { timeZone: 'UTC' })
  const known = Object.keys(wordingFor(speaker, {}).values)
  const inTexts = keysIn('en')
    .filter((key) => /^(remedy|step)\./.test(key))
    .flatMap((key) => [...variablesOf('en', key)])
  const inPaths = Object.values(PATHS).flatMap((entries) => entries.flatMap(({ labels }) => labels))
  const places = ['your_name', 'this_device']
  assert.deepEqual(
    inPaths.filter((label) => !(label in LABELS.en) && !places.includes(label)),
    [],
  )
  const given = ['settings', 'term', 'this_device']
  assert.deepEqual(
    inTexts.filter((name) => !known.includes(name) && !given.includes(name)),
    [],
  )
  const used = new Set([...inTexts, ...inPaths.map((label) => `label_${label}`), 'label_settings'])
  assert.deepEqual(
    known.filter((name) => /^(label|path)_/.test(name) && !used.has(name)),
    [],
    'labels and paths that nothing names',
  )
})
