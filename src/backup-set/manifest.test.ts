import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAppError } from '../base/errors.ts'
import { encodeBinaryPlist } from '../plist/index.ts'
import { parseManifest } from './index.ts'

// The keys of a real phone's manifest: docs/protocol/backup-set.md#manifest.
test('a manifest tells the phone, the time and the apps', () => {
  const manifest = parseManifest(
    encodeBinaryPlist({
      Version: '10.0',
      Date: new Date('2024-02-03T04:05:06Z'),
      SystemDomainsVersion: '24.0',
      IsEncrypted: true,
      WasPasscodeSet: true,
      BackupKeyBag: new Uint8Array(1388),
      ManifestKey: new Uint8Array(44),
      Applications: {
        'com.example.app': {
          CFBundleIdentifier: 'com.example.app',
          CFBundleVersion: '7',
          ContainerContentClass: 'Data/Application',
          Path: '/var/containers/Bundle/Application/6F9619FF/Example.app',
        },
        'group.com.example': { CFBundleIdentifier: 'group.com.example', ContainerContentClass: 'Shared/AppGroup' },
      },
      Lockdown: {
        BuildVersion: '18C66',
        DeviceName: 'Ann’s iPhone',
        ProductType: 'iPhone9,3',
        ProductVersion: '14.3',
        SerialNumber: 'F2LXXXXXXXXX',
        UniqueDeviceID: '00008030-001122334455667E',
        'com.apple.TerminalFlashr': {},
      },
    }),
  )
  assert.deepEqual(manifest, {
    isEncrypted: true,
    wasPasscodeSet: true,
    version: '10.0',
    dateMs: Date.UTC(2024, 1, 3, 4, 5, 6),
    deviceName: 'Ann’s iPhone',
    udid: '00008030-001122334455667E',
    serialNumber: 'F2LXXXXXXXXX',
    productType: 'iPhone9,3',
    productVersion: '14.3',
    buildVersion: '18C66',
    applications: new Map([
      [
        'com.example.app',
        {
          bundleVersion: '7',
          containerClass: 'Data/Application',
          bundlePath: '/var/containers/Bundle/Application/6F9619FF/Example.app',
        },
      ],
      ['group.com.example', { bundleVersion: undefined, containerClass: 'Shared/AppGroup', bundlePath: undefined }],
    ]),
    keyBag: new Uint8Array(1388),
    manifestKey: new Uint8Array(44),
  })
})

test('the smallest manifest that a phone takes back has neither a device nor apps', () => {
  const smallest = { BackupKeyBag: new Uint8Array(1336), Lockdown: {}, SystemDomainsVersion: '20.0', Version: '9.1' }
  const manifest = parseManifest(encodeBinaryPlist(smallest))
  assert.equal(manifest.isEncrypted, false)
  assert.equal(manifest.version, '9.1')
  assert.equal(manifest.deviceName, undefined)
  assert.equal(manifest.applications.size, 0)
})

test('a value of another type counts as missing', () => {
  const manifest = parseManifest(
    encodeBinaryPlist({ Version: 10, Lockdown: [], Applications: { 'com.example.app': 'x' } }),
  )
  assert.equal(manifest.version, undefined)
  assert.deepEqual([...manifest.applications.keys()], ['com.example.app'])
})

test('a manifest that is no dictionary is damaged, an empty one malformed', () => {
  assert.throws(
    () => parseManifest(encodeBinaryPlist([])),
    (error) => isAppError(error, 'backup-set.damaged'),
  )
  assert.throws(
    () => parseManifest(new Uint8Array(0)),
    (error) => isAppError(error, 'plist.malformed'),
  )
})
