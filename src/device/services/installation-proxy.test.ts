import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NEVER } from '../../base/abort.ts'
import { isAppError } from '../../base/errors.ts'
import type { Plist } from '../../plist/index.ts'
import { dictOf } from '../../plist/index.ts'
import { answering, framedPlist, wire, wireOf } from '../testing/wire.ts'
import { installedApps } from './apps.ts'
import { browseApps, browsePages, lookUpApps } from './installation-proxy.ts'

const signal = NEVER
const code = (expected: string) => (error: unknown) => isAppError(error, expected)
const browse = { type: 'User', attributes: ['CFBundleIdentifier'], signal } as const
const app = (id: string) => ({ CFBundleIdentifier: id })

function serviceThat(...answers: readonly Plist[]) {
  const { near, far } = wire()
  return { near, requests: answering(far, answers) }
}

/** The stream of docs/protocol/small-services.md: batches, then Complete alone. */
test('apps come in batches', async () => {
  const { near, requests } = serviceThat(
    { Status: 'BrowsingApplications', Total: 3, CurrentIndex: 0, CurrentAmount: 2, CurrentList: [app('a'), app('b')] },
    { Status: 'BrowsingApplications', CurrentIndex: 2, CurrentAmount: 1, CurrentList: [app('c'), 'nonsense'] },
    { Status: 'Complete' },
  )
  const pages = await Array.fromAsync(browsePages(near, browse))
  assert.deepEqual(
    pages.map((page) => page.map(({ CFBundleIdentifier }) => CFBundleIdentifier)),
    [['a', 'b'], ['c']],
  )
  const [request] = await requests
  assert.equal(request?.Command, 'Browse')
  assert.deepEqual(
    { ...dictOf(request?.ClientOptions) },
    {
      ApplicationType: 'User',
      ReturnAttributes: ['CFBundleIdentifier'],
    },
  )
})

test('a phone without apps says only that it is done, or gives an empty list first', async () => {
  assert.deepEqual(await browseApps(serviceThat({ Status: 'Complete' }).near, browse), [])
  const empty = serviceThat({ Status: 'BrowsingApplications', CurrentList: [] }, { Status: 'Complete' })
  assert.deepEqual(await browseApps(empty.near, browse), [])
})

test('a list of apps that never ends is left', async () => {
  const batch = { Status: 'BrowsingApplications', CurrentList: Array.from({ length: 5001 }, () => ({})) }
  const { near } = serviceThat(batch, batch, batch, batch)
  await assert.rejects(browseApps(near, browse), code('wire.bad-frame'))
})

test('a batch of a hundred thousand apps is refused, not swallowed', async () => {
  const huge = Array.from({ length: 150_000 }, () => ({}))
  const channel = wireOf(framedPlist({ Status: 'BrowsingApplications', CurrentList: huge }))
  await assert.rejects(browsePages(channel, browse).next(), code('wire.bad-frame'))
})

test('a batch that claims to be larger than all apps together is not read', async () => {
  await assert.rejects(browseApps(wireOf(Uint8Array.of(0x7f, 0, 0, 0)), browse), code('wire.bad-frame'))
})

test('a refused list of apps says why', async () => {
  const { near } = serviceThat({ Error: 'APIInternalError', ErrorDescription: 'later' })
  const saw = (error: unknown) =>
    isAppError(error, 'device.app-list-refused') && /APIInternalError, later/.test(error.message)
  await assert.rejects(browseApps(near, browse), saw)
})

test('apps are looked up by their ids, in one message', async () => {
  const LookupResult = { a: app('a'), b: 'nonsense' }
  const { near, requests } = serviceThat({ Status: 'Complete', LookupResult })
  const found = await lookUpApps(near, { bundleIds: ['a', 'b', 'c'], attributes: ['CFBundleIdentifier'], signal })
  assert.deepEqual([...found.keys()], ['a'])
  assert.deepEqual(dictOf((await requests)[0]?.ClientOptions)?.BundleIDs, ['a', 'b', 'c'])
})

test('an app is told with what it has', async () => {
  const full = {
    CFBundleIdentifier: 'com.example.full',
    CFBundleDisplayName: 'Full',
    CFBundleName: 'full-internal',
    CFBundleShortVersionString: '4.2',
    CFBundleVersion: '4201',
    ApplicationType: 'User',
    StaticDiskUsage: 5_000_000_000,
    DynamicDiskUsage: 12,
    UIFileSharingEnabled: true,
    LSSupportsOpeningDocumentsInPlace: false,
    MinimumOSVersion: '16.0',
  }
  const odd = { CFBundleIdentifier: 'odd', CFBundleDisplayName: '', CFBundleName: 'Odd', StaticDiskUsage: -1 }
  const { near, requests } = serviceThat({ Status: 'Complete', CurrentList: [full, { CFBundleName: 'no id' }, odd] })
  assert.deepEqual(await Array.fromAsync(installedApps(near, { type: 'Any', withSizes: true, signal })), [
    {
      bundleId: 'com.example.full',
      name: 'Full',
      version: '4.2',
      build: '4201',
      kind: 'User',
      appBytes: 5_000_000_000,
      dataBytes: 12,
      sharesFiles: true,
      opensInPlace: false,
      minimumIos: '16.0',
    },
    { bundleId: 'odd', name: 'Odd' },
  ])
  const asked = dictOf((await requests)[0]?.ClientOptions)?.ReturnAttributes
  assert.ok(Array.isArray(asked) && asked.includes('DynamicDiskUsage'))
})
