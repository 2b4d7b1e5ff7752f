import assert from 'node:assert/strict'
import { NEVER } from '../../base/abort.ts'
import type { PlistDict } from '../../plist/index.ts'
import { digestContents, type EntryDigest, openEmptyContents, type PhoneContents } from '../contents/index.ts'
import { newPhone, type PhoneForTests, UDID } from './phone-for-tests.ts'
import { hold, newHost, type ScriptedHost, type Session } from './scripted-host.ts'

/** A host with a backup of the phone. */
export async function backedUp(phone: PhoneForTests): Promise<ScriptedHost> {
  const host = newHost()
  const { response } = await hold(host, phone, { MessageName: 'Backup' })
  assert.equal(response?.ErrorCode, 0)
  return host
}

export function copyOf(host: ScriptedHost): ScriptedHost {
  return { ...host, files: new Map(host.files), folders: new Set(host.folders) }
}

/** Asks for a restore of the test phone's backup, without the copy unless `options` tell otherwise. */
export function restoreTo(
  phone: PhoneForTests,
  host: ScriptedHost,
  { options = {}, ...request }: { options?: PlistDict } & Record<string, unknown> = {},
): Promise<Session> {
  const Options = { RestoreDontCopyBackup: true, ...options }
  return hold(host, phone, { MessageName: 'Restore', SourceIdentifier: UDID, ...request, Options })
}

/** Another phone, fresh from its box. */
export function newEmptyPhone(): PhoneForTests {
  const phone = newPhone({ files: 1, bytes: 0 })
  return { ...phone, contents: openEmptyContents({ ios: '17.5', clock: phone.clock }), udid: `${UDID.slice(0, -1)}F` }
}

export function digestsOf(contents: PhoneContents): Promise<EntryDigest[]> {
  return Array.fromAsync(digestContents(contents, { signal: NEVER }))
}
