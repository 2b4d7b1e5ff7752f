import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { NEVER } from '../../src/base/abort.ts'
import { openCable, openControl } from '../../src/virtual-phone/index.ts'
import { runTool } from '../../src/virtual-phone/testing/debian-tools.ts'
import { entriesOfFolder, entriesOfPhone } from '../testing/backup-entries.ts'
import { hashFolder } from '../testing/backup-folder.ts'
import { theirBackup } from '../testing/idevicebackup2.ts'
import { type Finished, phonekeep, surroundings } from '../testing/phonekeep.ts'
import { FEW_ITERATIONS } from '../testing/restore-world.ts'
import { openWorld } from '../testing/world.ts'

/** In every password, and in nothing else. */
const MARK = 'Straße 🔑'
const [FIRST, SECOND, THIRD] = [`${MARK} 1`, `${MARK} 2`, `${MARK} 3`] as const

type Environment = Readonly<Record<string, string>>

/** A small phone on a cable with its control address, and both programs for it; what ours say is kept. */
async function openPhone() {
  await using opened = new AsyncDisposableStack()
  const world = opened.use(
    await openWorld({ files: 40, bytes: 200_000, virtual: { encryption: { iterations: FEW_ITERATIONS } } }),
  )
  const { virtual, server, folder } = world
  const cable = opened.use(openCable(virtual, server))
  const control = opened.use(await openControl({ phone: virtual, cable, signal: NEVER }))
  const said: string[] = []
  const ours = async (args: readonly string[], env: Environment = {}): Promise<Finished> => {
    const finished = await phonekeep(args, { ...surroundings(world), ...env })
    said.push(finished.out, finished.err)
    return finished
  }
  const rest = opened.move()
  return {
    world,
    ours,
    /** The JSON that a command of ours ends well with. */
    async oursJson(args: readonly string[], env: Environment = {}) {
      const { exitCode, out, err } = await ours([...args, '--json'], env)
      assert.equal(exitCode, 0, err)
      return JSON.parse(out)
    },
    theirs: (...args: readonly string[]) => runTool(world.muxAddress, 'idevicebackup2', ...args, folder),
    /** What lockdownd tells of backups, as ideviceinfo shows it. */
    async setting(key: string) {
      const domain = ['-q', 'com.apple.mobile.backup', '-k', key]
      return (await runTool(world.muxAddress, 'ideviceinfo', ...domain)).output.trim()
    },
    /** A file with nothing but a password in it. */
    async fileWith(password: string) {
      const path = join(folder, `password ${password.at(-1)}`)
      await writeFile(path, `${password}\n`)
      return path
    },
    /** Neither the commands' words, nor what they keep, nor the phone's journal has a password. */
    async assertSecret() {
      const state = await (await fetch(`${control.address}/state`)).text()
      assert.match(state, /"journal": \[/)
      for (const text of [...said, state]) assert.ok(!text.includes(MARK), text)
      const kept = surroundings(world).PHONEKEEP_STATE ?? ''
      const paths = [...(await hashFolder(kept)).keys()]
      assert.ok(paths.length > 0)
      for (const path of paths) assert.ok(!(await readFile(join(kept, path))).includes(MARK), path)
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

function assertRefused({ exitCode, err }: Finished, code: string, remedy: RegExp): void {
  assert.notEqual(exitCode, 0)
  assert.match(err, new RegExp(`\\[${code.replace('.', '\\.')}\\]`))
  assert.match(err, remedy)
}

// Side by side: idevicebackup2 spends most of its time asleep.
describe('Phonekeep and idevicebackup2 change the same phone', { concurrency: true }, () => {
  test('a backup password that Phonekeep sets is the one that idevicebackup2 must know', async () => {
    await using phone = await openPhone()
    const { world, ours, oursJson, theirs, setting } = phone
    const on = ['encryption', 'on', '--backup-password-file', await phone.fileWith(FIRST)]
    assert.deepEqual(await oursJson(on), { udid: world.virtual.udid, encryption: true })
    assert.equal(await setting('WillEncrypt'), 'true')
    assertRefused(await ours(on), 'cli.encryption-is-on', /"phonekeep encryption change"/)
    assert.match((await theirs('changepw', SECOND, THIRD)).output, /ErrorCode 207: Invalid password/)
    assert.match((await theirs('changepw', FIRST, SECOND)).output, /password has been changed successfully/)
    await phone.assertSecret()
  })

  test('a backup password that idevicebackup2 sets is changed and removed by Phonekeep, which must know it', async () => {
    await using phone = await openPhone()
    const { world, ours, oursJson, theirs, setting } = phone
    const { udid, contents } = world.virtual
    assertRefused(await ours(['encryption', 'change']), 'cli.encryption-is-off', /"phonekeep encryption on"/)
    assert.match((await theirs('encryption', 'on', FIRST)).output, /has been enabled successfully/)

    const wrong = { PHONEKEEP_BACKUP_PASSWORD: SECOND, PHONEKEEP_NEW_BACKUP_PASSWORD: THIRD }
    for (const change of ['change', 'off']) {
      const refused = await ours(['encryption', change, '--json'], wrong)
      assertRefused(refused, 'device.password-wrong', /"Reset All Settings" on the phone removes it/)
      assert.equal(refused.out, '')
    }
    const right = { PHONEKEEP_BACKUP_PASSWORD: FIRST }
    const change = ['encryption', 'change', '--new-backup-password-file', await phone.fileWith(SECOND)]
    assert.deepEqual(await oursJson(change, right), { udid, encryption: true })
    assert.deepEqual(await entriesOfFolder(await theirBackup(world), SECOND), await entriesOfPhone(contents))

    const off = ['encryption', 'off', '--backup-password-file', await phone.fileWith(SECOND)]
    assert.deepEqual(await oursJson(off), { udid, encryption: false })
    assert.equal(await setting('WillEncrypt'), 'false')
    assert.deepEqual(await oursJson(off), { udid, encryption: false }, 'what is off can be turned off')
    await phone.assertSecret()
  })

  test('iCloud Backup is switched by either, and read by both', async () => {
    await using phone = await openPhone()
    const { world, ours, oursJson, theirs, setting } = phone
    const { udid, condition } = world.virtual
    assert.match((await theirs('cloud', 'off')).output, /has been disabled successfully/)
    assert.deepEqual(await oursJson(['cloud', 'on']), { udid, before: false, after: true })
    assert.equal(await setting('CloudBackupEnabled'), 'true')
    const off = await ours(['cloud', 'off'])
    assert.match(off.out, /^iCloud Backup of .* is off now\.$/m)
    assert.equal(await setting('CloudBackupEnabled'), 'false')
    condition.set({ hasCloudAccount: false })
    assertRefused(await ours(['cloud', 'on']), 'device.cloud-no-account', /Sign in on the phone/)
    assert.match((await theirs('cloud', 'on')).output, /No account exists/)
  })

  test('a restart is agreed to, is seen to happen, and leaves both of them paired', async () => {
    await using phone = await openPhone()
    const { world, ours, oursJson } = phone
    assert.match((await runTool(world.muxAddress, 'idevicepair', 'pair')).output, /SUCCESS/)
    assertRefused(await ours(['restart']), 'cli.not-agreed', /--yes/)
    assert.equal(world.virtual.condition.boots, 1)
    const { ms, ...told } = await oursJson(['restart', '--yes'])
    assert.deepEqual(told, { udid: world.virtual.udid, restarted: true, back: true })
    assert.ok(ms >= 0)
    assert.equal(world.virtual.condition.boots, 2)
    assert.match((await runTool(world.muxAddress, 'idevicepair', 'validate')).output, /SUCCESS/)
    assert.deepEqual(await oursJson(['encryption', 'off']), { udid: world.virtual.udid, encryption: false })
  })
})
