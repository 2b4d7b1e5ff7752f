import assert from 'node:assert/strict'
import { mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { openNotebook } from './notebook.ts'
import { NO_NOTES, noteBoot, noteRun, noteSample, noteTrial, type PhoneNotes, RUNS_MAX, SAMPLES_MAX } from './notes.ts'
import { encodeNotes, parseNotes } from './parse-notes.ts'

const folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-notes-'))
after(() => folder.remove())
const UDID = '00008120-001A2B3C4D5E6F70'
const notebook = openNotebook(join(folder.path, 'doctor'))
const file = join(folder.path, 'doctor', `${UDID}.json`)

const FULL: PhoneNotes = {
  lastSeenMs: 5,
  boot: { id: '9F82F113', firstSeenMs: 3 },
  cloudForbiddenMs: 4,
  runs: [
    { atMs: 1, failure: 'device.backup-no-passcode' },
    { atMs: 2, allowanceBytes: 50e9 },
  ],
  samples: [{ atMs: 5, reach: 'wifi', isOnPower: true, isLocked: false, percent: 80, cloudLastMs: 1 }],
  trials: [{ remedy: 'restart', cause: 'stuck', atMs: 4, result: 'did-not-help' }],
}

test('what is noted is read again, and only this user can read it', async () => {
  assert.deepEqual(await notebook.read(UDID), NO_NOTES)
  await notebook.change(UDID, () => FULL)
  assert.deepEqual(await notebook.read(UDID), FULL)
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(join(folder.path, 'doctor')), [`${UDID}.json`])
})

test('a damaged file costs what is damaged', async () => {
  await writeFile(file, (await readFile(file, 'utf8')).slice(0, 50))
  assert.deepEqual(await notebook.read(UDID), NO_NOTES)
  const odd = { runs: [{ atMs: 'now' }, { atMs: 7 }, null], samples: 'none', trials: [{ remedy: 'magic', atMs: 1 }] }
  await writeFile(file, JSON.stringify({ ...odd, lastSeenMs: -1, boot: { id: 7, firstSeenMs: 1 } }))
  assert.deepEqual(await notebook.read(UDID), { ...NO_NOTES, runs: [{ atMs: 7 }] })
})

test('a failed change leaves the file as it was', async () => {
  const before = await readFile(file, 'utf8')
  await assert.rejects(
    notebook.change(UDID, () => {
      throw new Error('no')
    }),
  )
  assert.equal(await readFile(file, 'utf8'), before)
})

test('a name that leads elsewhere is no phone', async () => {
  assert.throws(() => notebook.read('../../etc/passwd'), /UDID/)
})

test('notes stay small, and the newest stay', () => {
  let notes = NO_NOTES
  for (let atMs = 1; atMs <= SAMPLES_MAX + 5; atMs++) notes = noteSample(notes, { atMs, reach: 'usb' })
  for (let atMs = 1; atMs <= RUNS_MAX + 5; atMs++) notes = noteRun(notes, { atMs })
  assert.deepEqual([notes.samples.length, notes.samples.at(-1)?.atMs, notes.lastSeenMs], [SAMPLES_MAX, 2021, 2021])
  assert.deepEqual([notes.runs.length, notes.runs.at(-1)?.atMs], [RUNS_MAX, 25])
})

test('the first sight of a start is kept until the phone starts again', () => {
  const once = noteBoot(NO_NOTES, { id: 'a', atMs: 1 })
  assert.deepEqual(noteBoot(once, { id: 'a', atMs: 2 }).boot, { id: 'a', firstSeenMs: 1 })
  assert.deepEqual(noteBoot(once, { id: 'b', atMs: 2 }).boot, { id: 'b', firstSeenMs: 2 })
})

test('what came of a trial takes the place of the trial', () => {
  const begun = { remedy: 'restart', cause: 'stuck', atMs: 4 } as const
  const notes = noteTrial(noteTrial(NO_NOTES, begun), { ...begun, result: 'helped' })
  assert.deepEqual(notes.trials, [{ ...begun, result: 'helped' }])
})

test('any text is read without a fault, and notes survive their file', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseNotes(text)))
  assert.deepEqual(parseNotes(encodeNotes(FULL)), FULL)
})
