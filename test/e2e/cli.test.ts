import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { COMMAND, phonekeep, startPhonekeep, surroundings } from '../testing/phonekeep.ts'
import { restic } from '../testing/restic.ts'
import { openWorld, PASSWORD } from '../testing/world.ts'

/** Starts `phonekeep virtual-phone`, and waits for the line that scripts wait for. Disposing tells it to stop. */
async function startVirtualPhone(...args: readonly string[]) {
  const { child, finished } = startPhonekeep(['virtual-phone', '--listen', '127.0.0.1:0', ...args], {})
  assert.ok(child.stdout)
  const [line] = await once(createInterface(child.stdout), 'line')
  return {
    said: JSON.parse(line),
    stop: async () => {
      child.kill('SIGTERM')
      return await finished
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await finished
    },
  }
}

test('the virtual phone says in one line where it listens, is what it was told to be, and stops when told', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-state-'))
  await using phone = await startVirtualPhone(
    ...[
      '--seed',
      '3',
      '--files',
      '20',
      '--bytes',
      '1MiB',
      '--model',
      'iPhone15,4',
      '--ios',
      '18.7',
      '--name',
      'Zoë 📱',
    ],
    ...['--set', 'com.apple.mobile.backup:CloudBackupEnabled=true', '--set', ':Answer=42'],
  )
  assert.deepEqual(Object.keys(phone.said), ['event', 'address', 'udid'])
  assert.equal(phone.said.event, 'listening')
  const env = { USBMUXD_SOCKET_ADDRESS: phone.said.address, PHONEKEEP_STATE: folder.path }

  const { udid } = phone.said
  const unpaired = { udid, name: 'Zoë 📱', model: 'iPhone15,4', ios: '18.7', transport: 'usb', paired: false }
  assert.deepEqual(JSON.parse((await phonekeep(['phones', '--json'], env)).out), [unpaired])
  assert.equal((await phonekeep(['pair'], env)).exitCode, 0)
  assert.deepEqual(JSON.parse((await phonekeep(['phones', '--json'], env)).out), [{ ...unpaired, paired: true }])

  const backupDomain = await phonekeep(['info', '--domain', 'com.apple.mobile.backup', '--json'], env)
  assert.equal(JSON.parse(backupDomain.out).CloudBackupEnabled, true)
  assert.equal((await phonekeep(['info', udid, '--key', 'Answer'], env)).out, '42\n')
  assert.equal((await phone.stop()).exitCode, 0)
})

test('init, backup, snapshots, check and restore do what they say, on plain lines and as JSON', async () => {
  await using world = await openWorld()
  await using folder = await mkdtempDisposable(join(tmpdir(), 'phonekeep-cli-'))
  const passwordFile = join(folder.path, 'password')
  await writeFile(passwordFile, 'from a file\n')
  const { RESTIC_PASSWORD: _, ...rest } = surroundings(world)
  const env = { ...rest, RESTIC_REPOSITORY: join(folder.path, 'repository'), RESTIC_PASSWORD_FILE: passwordFile }

  const made = await phonekeep(['init', '--json'], env)
  assert.equal(made.exitCode, 0, made.err)
  const backup = await phonekeep(['backup', '--json'], env)
  assert.equal(backup.exitCode, 0, backup.err)
  assert.equal(backup.out.trim().split('\n').length, 1, 'standard output is one line')
  const result = JSON.parse(backup.out)
  assert.deepEqual(Object.keys(result), [
    'snapshot',
    'udid',
    'files',
    'bytes',
    'sentBytes',
    'storedBytes',
    'seconds',
    'readBack',
  ])
  assert.equal(result.udid, world.virtual.udid)
  assert.equal(result.files, world.virtual.contents.totals.files + 4)

  const [snapshot] = JSON.parse((await phonekeep(['snapshots', '--json'], env)).out)
  assert.equal(snapshot.id, result.snapshot)
  assert.equal(snapshot.short_id, result.snapshot.slice(0, 8))
  assert.match((await phonekeep(['snapshots'], env)).out, new RegExp(`^${snapshot.short_id} `, 'm'))

  assert.match((await phonekeep(['check', '--read-data'], env)).out, /^No damage found/)
  const target = join(folder.path, 'restored')
  assert.equal((await phonekeep(['restore', 'latest', '--to', target], env)).exitCode, 0)
  assert.ok((await readdir(join(target, world.virtual.udid))).includes('Manifest.db'))
})

test('what plain restic made, phonekeep lists, checks and restores', async () => {
  await using world = await openWorld()
  await writeFile(join(world.folder, 'a file with ünicode'), 'hello')
  await restic(world.repositoryFolder, 'backup', join(world.folder, 'a file with ünicode'))
  const env = surroundings(world)
  const [snapshot] = JSON.parse((await phonekeep(['snapshots', '--json'], env)).out)
  assert.equal((await phonekeep(['check', '--read-data'], env)).exitCode, 0)
  const { exitCode, err } = await phonekeep(['restore', snapshot.short_id, '--to', join(world.folder, 'out')], env)
  assert.equal(exitCode, 0, err)
})

const FAILURES: readonly { name: string; args: readonly string[]; env?: object; exitCode: number; says: RegExp }[] = [
  { name: 'no command', args: [], exitCode: 2, says: /Usage: phonekeep/ },
  { name: 'an unknown command', args: ['frobnicate'], exitCode: 2, says: /unknown command/ },
  { name: 'a choice that there is not', args: ['wifi', 'perhaps'], exitCode: 2, says: /on, off.*phonekeep help wifi/s },
  {
    name: 'an option that a folder cannot heed',
    args: ['restore', 'latest', '--to', '/nowhere', '--dry-run'],
    exitCode: 2,
    says: /--dry-run.* cannot be used with .*--to/,
  },
  {
    name: 'an option that a phone cannot heed',
    args: ['restore', 'latest', '--to-phone', 'x', '--domain', 'HomeDomain'],
    exitCode: 2,
    says: /--to-phone.* cannot be used with .*--domain/,
  },
  {
    name: 'no repository',
    args: ['snapshots'],
    env: { RESTIC_REPOSITORY: '' },
    exitCode: 2,
    says: /RESTIC_REPOSITORY/,
  },
  {
    name: 'a repository that is not there',
    args: ['snapshots', '-r', '/nowhere'],
    exitCode: 10,
    says: /\[repo\.absent\]/,
  },
  {
    name: 'a wrong password',
    args: ['check'],
    env: { RESTIC_PASSWORD: 'x' },
    exitCode: 12,
    says: /\[repo\.wrong-password\]/,
  },
  { name: 'a repository that is there already', args: ['init'], exitCode: 1, says: /\[repo\.exists\]/ },
  {
    name: 'no such snapshot',
    args: ['restore', 'abcdef', '--to', '/nowhere'],
    exitCode: 1,
    says: /\[repo\.snapshot-absent\]/,
  },
  { name: 'an unknown phone', args: ['info', '00008120-000000000000001E'], exitCode: 20, says: /\[cli\.no-phone\]/ },
  {
    name: 'no usbmuxd',
    args: ['phones'],
    env: { USBMUXD_SOCKET_ADDRESS: '/nowhere/usbmuxd' },
    exitCode: 20,
    says: /\[device\.no-usbmuxd\]/,
  },
  {
    name: 'an impossible address',
    args: ['phones'],
    env: { USBMUXD_SOCKET_ADDRESS: '::::' },
    exitCode: 2,
    says: /\[device\.bad-address\]/,
  },
  {
    name: 'an allowance that is no size',
    args: ['backup', '--allowance', 'much'],
    exitCode: 2,
    says: /"much" is not a size/,
  },
  {
    name: 'an allowance that is too small',
    args: ['backup', '--allowance', '1MB'],
    exitCode: 24,
    says: /\[device\.backup-no-space\]/,
  },
  {
    name: 'nobody to ask for a password',
    args: ['snapshots'],
    env: { RESTIC_PASSWORD: undefined },
    exitCode: 2,
    says: /\[cli\.no-password\]/,
  },
]

test('what goes wrong is said with what to do, and has its exit code', async (context) => {
  await using world = await openWorld({ files: 10, bytes: 100_000 })
  for (const { name, args, env = {}, exitCode, says } of FAILURES) {
    await context.test(name, async () => {
      const merged = Object.entries({ ...surroundings(world), ...env }).filter(([, value]) => value !== undefined)
      const finished = await phonekeep(args, Object.fromEntries(merged))
      assert.match(finished.err, says)
      assert.equal(finished.exitCode, exitCode)
      assert.doesNotMatch(finished.err, new RegExp(`${PASSWORD}|at file:`), 'no password and no stack is printed')
    })
  }
})

test('a backup that is interrupted says so, exits with 130, and leaves no lock', async () => {
  await using world = await openWorld({ files: 2_000, bytes: 10_000_000 })
  const { child, finished } = startPhonekeep(['backup'], surroundings(world))
  world.virtual.agent.afterRead = () => {
    world.virtual.agent.afterRead = undefined
    child.kill('SIGINT')
  }
  const { exitCode, err } = await finished
  assert.equal(exitCode, 130, err)
  assert.match(err, /\[cli\.interrupted\]/)
  assert.deepEqual(await readdir(join(world.repositoryFolder, 'locks')), [])
})

test('a process that something keeps alive after the first signal ends at the second', async () => {
  const command = `trap '' TERM; kill -TERM $PPID; exec cat`
  const { child, finished } = startPhonekeep(['snapshots', '--repo', tmpdir(), '--password-command', command], {})
  let said = ''
  child.stderr?.on('data', (text) => {
    said += text
    if (said.includes('[cli.interrupted]')) child.kill('SIGTERM')
  })
  const { exitCode, err } = await finished
  assert.equal(exitCode, 143, err)
})

test('a backup whose progress nobody reads any more goes on to the end', async () => {
  await using world = await openWorld({ files: 500, bytes: 3_000_000 })
  const result = join(world.folder, 'result')
  const script = '"$0" backup --json 2>&1 >"$1" | head -n 1'
  const env = { PATH: process.env.PATH, ...surroundings(world) }
  await promisify(execFile)('sh', ['-c', script, COMMAND, result], { env })
  assert.equal(JSON.parse(await readFile(result, 'utf8')).files, world.virtual.contents.totals.files + 4)
  assert.deepEqual(await readdir(join(world.repositoryFolder, 'locks')), [])
})

test('a state folder full of nonsense is put right, or named', async () => {
  await using world = await openWorld({ files: 10, bytes: 100_000 })
  const env = surroundings(world)
  const state = join(world.folder, 'state')
  assert.equal((await phonekeep(['backup'], env)).exitCode, 0)
  await writeFile(join(state, 'station-id'), '\0\xff\n../../x')
  await writeFile(join(state, 'pair-records', `${world.virtual.udid}.plist`), 'garbage')
  const { exitCode, err } = await phonekeep(['backup'], env)
  assert.equal(exitCode, 0, err)
  const snapshots: readonly { username: string }[] = JSON.parse((await phonekeep(['snapshots', '--json'], env)).out)
  for (const { username } of snapshots) assert.match(username, /^phonekeep-[0-9a-f]{8}-[0-9a-f]{8}$/)
})
