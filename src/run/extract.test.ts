import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { lstat, mkdir, mkdtempDisposable, readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type BackupSet, type BackupSetEntry, decodeFileRecord, fileIdOf } from '../backup-set/index.ts'
import { NEVER } from '../base/abort.ts'
import { AppError, isAppError } from '../base/errors.ts'
import { encodeBinaryPlist, type Plist, PlistUid } from '../plist/index.ts'
import { type ExtractFinding, type ExtractOptions, type ExtractProgress, extractFiles } from './index.ts'

const signal = NEVER

interface Item {
  readonly domain?: string
  readonly path: string
  readonly kind?: BackupSetEntry['kind']
  readonly content?: string | Error | readonly (string | Error)[]
  readonly target?: string
  readonly sizeBytes?: number
  readonly modifiedS?: number
}

/** A backup that is nothing but a list, in the order given. `afterwards` is thrown at the end of the list. */
function setOf(
  items: readonly Item[],
  { afterwards, badRow }: { afterwards?: AppError; badRow?: AppError } = {},
): BackupSet {
  const entries = items.map((item) => [entryOf(item), item] as const)
  const contents = new Map<BackupSetEntry, Item>(entries)
  return {
    manifest: undefined as never,
    status: undefined as never,
    isEncrypted: false,
    find: () => assert.fail('not needed'),
    *entries({ domain, path, kind, onBadRow } = {}) {
      assert.deepEqual([domain, path], [undefined, undefined])
      if (badRow !== undefined) onBadRow?.(badRow)
      for (const [entry] of entries) if (entry.kind === (kind ?? entry.kind)) yield entry
      if (afterwards !== undefined) throw afterwards
    },
    async *read(entry) {
      for (const piece of [contents.get(entry)?.content ?? ''].flat()) {
        if (typeof piece !== 'string') throw piece
        yield Buffer.from(piece)
      }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

function entryOf({
  domain = 'HomeDomain',
  path,
  kind,
  content,
  target,
  sizeBytes,
  modifiedS = 1_600_000_000,
}: Item): BackupSetEntry {
  const defaultKind = content !== undefined ? 'file' : target !== undefined ? 'link' : 'folder'
  const size = sizeBytes ?? (typeof content === 'string' ? content.length : 0)
  return {
    fileId: fileIdOf({ domain, relativePath: path }),
    domain,
    relativePath: path,
    kind: kind ?? defaultKind,
    record: recordOf({ Size: size, LastModified: modifiedS, ...(target !== undefined && { Target: target }) }),
  }
}

function recordOf(fields: Record<string, Plist>) {
  return decodeFileRecord(
    encodeBinaryPlist({
      $archiver: 'NSKeyedArchiver',
      $top: { root: new PlistUid(1) },
      $objects: ['$null', { ...fields, $class: new PlistUid(2) }, { $classname: 'MBFile' }],
    }),
  )
}

const temporaryFolder = () => mkdtempDisposable(join(tmpdir(), 'phonekeep-extract-'))

/** Extracts into `target` of a folder that holds `outside` beside it. */
async function extract(folder: string, set: BackupSet, options: Partial<ExtractOptions> = {}) {
  await mkdir(join(folder, 'outside'))
  const target = join(folder, 'target')
  const findings: ExtractFinding[] = []
  const report = await extractFiles(set, target, { signal, onFinding: (finding) => findings.push(finding), ...options })
  assert.deepEqual(await readdir(join(folder, 'outside')), [], 'nothing is written outside')
  assert.deepEqual((await readdir(folder)).toSorted(), ['outside', 'target'])
  return { target, report, findings, text: (path: string) => readFile(join(target, path), 'utf8') }
}

const unexpected = ({ saw }: ExtractFinding) => assert.fail(saw)

const damaged = new AppError('backup-set.damaged', 'It is damaged', { remedy: '' })
const altered = new AppError('backup-set.altered', 'It is altered', { remedy: '' })

test('files, folders and links are written by domain and path, for their owner only, with their times', async () => {
  await using folder = await temporaryFolder()
  const { target, report, findings } = await extract(
    folder.path,
    setOf([
      { path: 'Library/a', content: ['one ', 'two'], sizeBytes: 7 },
      { path: '' },
      { path: 'Library' },
      { path: 'Library/empty folder' },
      { path: 'Library/link', target: '../other' },
      { path: 'other', content: '', modifiedS: -86_400 },
      { domain: 'AppDomain-x', path: 'deep/in/folders/that are not listed', content: 'x' },
    ]),
  )
  assert.deepEqual(report, { files: 3, folders: 3, links: 1, bytes: 8, otherSizes: 0 })
  assert.deepEqual(findings, [])
  const look = async (path: string) => {
    const { mode, mtimeMs } = await lstat(join(target, path))
    return [mode.toString(8), mtimeMs / 1000]
  }
  assert.deepEqual(await look('HomeDomain/Library/a'), ['100600', 1_600_000_000])
  assert.deepEqual(await look('HomeDomain/other'), ['100600', -86_400])
  for (const path of ['HomeDomain', 'HomeDomain/Library', 'HomeDomain/Library/empty folder']) {
    assert.deepEqual(await look(path), ['40700', 1_600_000_000], path)
  }
  assert.equal((await look('HomeDomain/Library/link'))[1], 1_600_000_000)
  assert.equal(await readlink(join(target, 'HomeDomain/Library/link')), '../other')
  assert.equal(await readFile(join(target, 'HomeDomain/Library/a'), 'utf8'), 'one two')
  assert.equal(await readFile(join(target, 'AppDomain-x/deep/in/folders/that are not listed'), 'utf8'), 'x')
})

test('a target with anything in it is refused, and stays as it was', async () => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'mine'), 'mine')
  const extracting = extractFiles(setOf([{ path: 'a', content: 'a' }]), folder.path, { signal, onFinding: unexpected })
  await assert.rejects(extracting, (error) => isAppError(error, 'repo.target-not-empty'))
  assert.deepEqual(await readdir(folder.path), ['mine'])
})

test('a disk that is full ends it with a remedy, and is no finding', async () => {
  await using folder = await temporaryFolder()
  const full = Object.assign(new Error('write failed'), { code: 'ENOSPC', errno: -28, syscall: 'write' })
  const set = setOf([{ path: 'a', content: ['one', full] }])
  const extracting = extractFiles(set, folder.path, { signal, onFinding: unexpected })
  await assert.rejects(extracting, (error) => isAppError(error, 'repo.no-space') && error.message.includes(folder.path))
})

test('what is damaged or missing is named and left out, and everything else is written', async () => {
  await using folder = await temporaryFolder()
  const missing = new AppError('backup-set.data-missing', 'It is missing', { remedy: '' })
  const blob = new AppError('repo.damaged', 'The blob is bad', { remedy: '' })
  const badRow = new AppError('backup-set.bad-row', 'Row 7 is bad', { remedy: '' })
  const { report, findings, target } = await extract(
    folder.path,
    setOf(
      [
        { path: 'a', content: ['half of it', damaged] },
        { path: 'b', content: missing },
        { path: 'c', content: blob },
        { path: 'd', content: 'good' },
        { path: 'e', kind: 'other' },
      ],
      { badRow },
    ),
  )
  assert.equal(report.files, 1)
  assert.deepEqual(await readdir(join(target, 'HomeDomain')), ['d'])
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    Array(5).fill('not-written'),
  )
  assert.deepEqual(Object.fromEntries(findings.map(({ name, saw }) => [name, saw])), {
    '(unknown)': 'Row 7 is bad',
    'HomeDomain/a': 'It is damaged',
    'HomeDomain/b': 'It is missing',
    'HomeDomain/c': 'The blob is bad',
    'HomeDomain/e': 'it is neither file, folder nor link',
  })
})

test('a file that is whole but doubtful is kept, and named', async () => {
  await using folder = await temporaryFolder()
  const { findings, text, report } = await extract(
    folder.path,
    setOf([{ path: 'a', content: ['all of it', altered], sizeBytes: 9 }]),
  )
  assert.equal(await text('HomeDomain/a'), 'all of it')
  assert.deepEqual(findings, [{ kind: 'altered', name: 'HomeDomain/a', saw: 'It is altered' }])
  assert.equal(report.files, 1)
})

test('files of another size than listed are counted, since that is normal', async () => {
  await using folder = await temporaryFolder()
  const { report, findings } = await extract(
    folder.path,
    setOf([
      { path: 'a', content: 'longer', sizeBytes: 3 },
      { path: 'b', content: 'b' },
    ]),
  )
  assert.equal(report.otherSizes, 1)
  assert.deepEqual(findings, [])
})

test('names that lead out of their folder are not written, and named', async () => {
  await using folder = await temporaryFolder()
  const paths = ['../../outside/x', '..', 'a/../../../outside/x', '/etc/x', 'nul\0', '.']
  const domains = ['..', '../outside', '', 'a/b']
  const { report, findings } = await extract(
    folder.path,
    setOf([
      ...paths.map((path) => ({ path, content: 'evil' })),
      ...domains.map((domain) => ({ domain, path: 'x', content: 'evil' })),
      ...domains.map((domain) => ({ domain, path: 'folder' })),
      { path: '../../outside', target: 'x' },
    ]),
  )
  assert.deepEqual(report, { files: 0, folders: 0, links: 0, bytes: 0, otherSizes: 0 })
  assert.equal(findings.length, paths.length + 2 * domains.length + 1)
  assert.ok(findings.every(({ kind }) => kind === 'not-written'))
})

test('links that lead out of their domain are left out, and named with where they lead', async () => {
  await using folder = await temporaryFolder()
  const { report, findings, target } = await extract(
    folder.path,
    setOf([
      { path: 'absolute', target: '/private/var/mobile/x' },
      { path: 'up', target: '../../outside' },
      { path: 'hidden climb', target: 'a/../../../outside' },
      { path: 'good', target: 'a' },
      { path: 'no target', kind: 'link' },
      { path: 'folder/up', target: '../../x' },
      { domain: 'OtherDomain', path: '', target: 'HomeDomain' },
    ]),
  )
  assert.equal(report.links, 1)
  assert.deepEqual([await readdir(target), await readdir(join(target, 'HomeDomain'))], [['HomeDomain'], ['good']])
  assert.equal(findings.length, 6)
  assert.deepEqual(findings.slice(0, 2), [
    { kind: 'link-left-out', name: 'HomeDomain/absolute', saw: 'it leads to /private/var/mobile/x' },
    { kind: 'link-left-out', name: 'HomeDomain/up', saw: 'it leads to ../../outside' },
  ])
})

test('nothing is written through a link, whatever the order of the entries, nor is a link made below one', async () => {
  await using folder = await temporaryFolder()
  const { target, findings } = await extract(
    folder.path,
    setOf([
      { path: 'a/b/link', target: '../..' },
      { path: 'a/b/link/escape', target: '../../../outside' },
      { path: 'link2', target: 'a' },
      { path: 'link2/file', content: 'below a link' },
    ]),
  )
  const list = async (path: string) => (await readdir(join(target, 'HomeDomain', path))).toSorted()
  assert.deepEqual([await list('.'), await list('a'), await list('a/b')], [['a', 'link2'], ['b'], ['link']])
  assert.ok((await lstat(join(target, 'HomeDomain/link2'))).isDirectory(), 'the file was first')
  assert.deepEqual(
    findings.map(({ kind, name }) => `${kind} ${name}`),
    ['link-left-out HomeDomain/a/b/link/escape', 'not-written HomeDomain/link2'],
  )
})

test('a link that somebody puts in the place of a file is not written through', async () => {
  await using folder = await temporaryFolder()
  const victim = join(folder.path, 'victim')
  await writeFile(victim, 'mine')
  const target = join(folder.path, 'target')
  const onProgress = ({ files }: ExtractProgress) => {
    if (files === 0) symlinkSync(victim, join(target, 'HomeDomain', 'b'))
  }
  const findings: ExtractFinding[] = []
  const onFinding = (finding: ExtractFinding) => findings.push(finding)
  await extractFiles(setOf([{ path: '' }, { path: 'b', content: 'b' }]), target, { signal, onProgress, onFinding })
  assert.equal(await readFile(victim, 'utf8'), 'mine')
  assert.deepEqual(
    findings.map(({ kind, name }) => [kind, name]),
    [['renamed', 'HomeDomain/b']],
  )
})

test('a file whose place is taken, as where capitals do not count, is written beside it', async () => {
  await using folder = await temporaryFolder()
  const item = { path: 'Library/com.apple.Messages.plist', content: 'first' }
  const { findings, text } = await extract(folder.path, setOf([item, { ...item, content: 'second' }]))
  const other = `com.apple.Messages.plist~${fileIdOf({ domain: 'HomeDomain', relativePath: item.path }).slice(0, 8)}`
  assert.deepEqual([await text(`HomeDomain/${item.path}`), await text(`HomeDomain/Library/${other}`)].toSorted(), [
    'first',
    'second',
  ])
  assert.deepEqual(findings, [
    { kind: 'renamed', name: `HomeDomain/${item.path}`, saw: `its place is taken here, so it is ${other}` },
  ])
})

test('names that are too long are shortened, and named', async () => {
  await using folder = await temporaryFolder()
  const long = 'x'.repeat(300)
  const { report, findings, target } = await extract(
    folder.path,
    setOf([{ path: long }, { path: `${long}/file`, content: 'x' }]),
  )
  assert.deepEqual([report.files, report.folders], [1, 1])
  const [name = ''] = await readdir(join(target, 'HomeDomain'))
  assert.equal(name.length, 255)
  assert.equal(findings.length, 2)
  assert.ok(findings.every(({ kind, saw }) => kind === 'renamed' && saw.includes(name)))
})

test('a path that is too long for the system is named, and the rest goes on', async () => {
  await using folder = await temporaryFolder()
  const deep = `${'d'.repeat(200)}/`.repeat(30)
  const items = [{ path: `${deep}x`, content: 'x' }, { path: deep.slice(0, -1) }, { path: 'good', content: 'good' }]
  const { report, findings } = await extract(folder.path, setOf(items))
  assert.equal(report.files, 1)
  assert.deepEqual(
    findings.map(({ kind, saw }) => [kind, saw.slice(0, 12)]),
    Array(2).fill(['not-written', 'ENAMETOOLONG']),
  )
})

test('a file in the place of a folder is written beside it, and a folder in the place of a file is named', async () => {
  await using folder = await temporaryFolder()
  const { report, findings } = await extract(
    folder.path,
    setOf([
      { path: 'a', content: 'a' },
      { path: 'a/b' },
      { path: 'c/d', content: 'd' },
      { path: 'c/d/e', target: 'x' },
    ]),
  )
  assert.deepEqual([report.files, report.folders, report.links], [2, 1, 0])
  assert.deepEqual(
    findings.map(({ kind, name }) => [kind, name]),
    [
      ['renamed', 'HomeDomain/a'],
      ['not-written', 'HomeDomain/c/d/e'],
    ],
  )
})

test('times that no clock shows are left out', async () => {
  await using folder = await temporaryFolder()
  const { report, findings, text } = await extract(
    folder.path,
    setOf([
      { path: 'a', content: 'a', modifiedS: 2 ** 60 },
      { path: 'b', content: 'b', modifiedS: -(2 ** 60) },
    ]),
  )
  assert.deepEqual([report.files, findings, await text('HomeDomain/a')], [2, [], 'a'])
})

test('of an index that breaks off, everything before the break is written, and the break is told once', async () => {
  await using folder = await temporaryFolder()
  const set = setOf([{ path: 'b' }, { path: 'a', content: 'a' }], { afterwards: damaged })
  const { report, findings, text } = await extract(folder.path, set)
  assert.deepEqual([report.files, report.folders, await text('HomeDomain/a')], [1, 1, 'a'])
  assert.deepEqual(findings, [{ kind: 'not-written', name: '(unknown)', saw: 'It is damaged' }])
})

test('an aborted extraction rejects with the reason, and leaves no half file', async () => {
  await using folder = await temporaryFolder()
  const abort = new AbortController()
  const items = Array.from({ length: 50 }, (_, index) => ({ path: `${index}`, content: 'x' }))
  const onProgress = () => abort.abort(new Error('enough'))
  const target = join(folder.path, 'target')
  const extracting = extractFiles(setOf(items), target, { signal: abort.signal, onProgress, onFinding: unexpected })
  await assert.rejects(extracting, /enough/)
  assert.ok((await readdir(join(target, 'HomeDomain'))).length < 50)
})

test('progress counts up to what the report says', async () => {
  await using folder = await temporaryFolder()
  let last: unknown
  const onProgress = (progress: unknown) => {
    last = progress
  }
  const { report } = await extract(folder.path, setOf([{ path: 'a', content: 'abc' }, { path: 'b' }]), { onProgress })
  assert.deepEqual(last, report)
})
