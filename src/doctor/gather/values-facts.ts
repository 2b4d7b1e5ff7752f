import { arrayOf, dictOf, numberOf, type Plist, type PlistDict, textOf } from '../../plist/index.ts'
import type { FactValues, Power, Reading, Readings, Room } from '../engine.ts'
import type { Looked } from './look.ts'
import { elseFalse, factOf, type Parse, parseAmount, parseBackupDate, parseTruth } from './parse.ts'
import type { Domain, PhoneValues } from './phone-values.ts'

/** What follows from lockdownd's values. Source: docs/protocol/doctor.md#what-a-phone-tells */
export function factsOfValues(looked: Looked<PhoneValues>): Readings {
  const domain = (name: Domain) => domainOf(looked, name)
  const own = domain('')
  return {
    ...identityFacts(own),
    ...stateFacts(privateValues(looked, own)),
    obstacle: obstacleOf(looked),
    language: fact(domain('com.apple.international'), 'Language', parseName),
    phoneRoom: roomOf(domain('com.apple.disk_usage')),
    power: powerOf(domain('com.apple.mobile.battery')),
    wifiConnections: elseFalse(fact(domain('com.apple.mobile.wireless_lockdown'), 'EnableWifiConnections', parseTruth)),
    setup: fact(domain('com.apple.purplebuddy'), 'SetupDone', parseSetup),
    isSignedIn: signedInOf(domain('com.apple.fmip'), domain('com.apple.mobile.data_sync')),
    ...backupFacts(domain('com.apple.mobile.backup')),
  }
}

export function domainOf(looked: Looked<PhoneValues>, name: Domain): Looked<PlistDict> {
  if (looked.kind === 'unread') return looked
  return looked.value.domains.get(name) ?? { kind: 'unread', why: 'not-asked' }
}

function obstacleOf(looked: Looked<PhoneValues>): Reading<string> {
  if (looked.kind === 'unread') return looked
  const { obstacle } = looked.value
  const from = { source: 'lockdown', atMs: looked.atMs } as const
  return obstacle === undefined ? { kind: 'absent', ...from } : { kind: 'known', value: obstacle, ...from }
}

/** Without a session a phone leaves most values out: that says nothing of them. */
function privateValues(looked: Looked<PhoneValues>, own: Looked<PlistDict>): Looked<PlistDict> {
  const obstacle = looked.kind === 'known' ? looked.value.obstacle : undefined
  return obstacle === undefined ? own : { kind: 'unread', why: 'refused', note: obstacle }
}

function fact<Value>(values: Looked<PlistDict>, key: string, parse: Parse<Value>): Reading<Value> {
  return factOf(values, { key, parse, source: 'lockdown' })
}

function identityFacts(own: Looked<PlistDict>): Readings {
  return {
    deviceClass: fact(own, 'DeviceClass', parseDeviceClass),
    model: fact(own, 'ProductType', parseName),
    ios: fact(own, 'ProductVersion', parseName),
    build: fact(own, 'BuildVersion', parseName),
  }
}

function stateFacts(own: Looked<PlistDict>): Readings {
  const isLocked = fact(own, 'PasswordProtected', parseTruth)
  return {
    timeZone: fact(own, 'TimeZone', parseName),
    isLocked,
    // A phone that is locked has one; one that is not may have none.
    ...(isLocked.kind === 'known' && isLocked.value && { hasPasscode: isLocked }),
    clockAheadMs: clockOf(own),
  }
}

function clockOf(own: Looked<PlistDict>): Reading<number> {
  const seconds = fact(own, 'TimeIntervalSince1970', parseAmount)
  return seconds.kind === 'known' ? { ...seconds, value: Math.round(seconds.value * 1000 - seconds.atMs) } : seconds
}

function backupFacts(backup: Looked<PlistDict>): Readings {
  const parseDate = (value: Plist) => (backup.kind === 'known' ? parseBackupDate(value, backup.atMs) : undefined)
  return {
    cloudSwitch: fact(backup, 'CloudBackupEnabled', parseTruth),
    cloudLastMs: fact(backup, 'LastCloudBackupDate', parseDate),
    anyComputerLastMs: fact(backup, 'LastiTunesBackupDate', parseDate),
    isEncrypted: elseFalse(fact(backup, 'WillEncrypt', parseTruth)),
    requiresEncryption: elseFalse(fact(backup, 'RequiresEncryption', parseTruth)),
  }
}

function roomOf(disk: Looked<PlistDict>): Reading<Room> {
  const free = fact(disk, 'AmountDataAvailable', parseAmount)
  if (free.kind !== 'known') return free
  const total = fact(disk, 'TotalDiskCapacity', parseAmount)
  return { ...free, value: { freeBytes: free.value, ...(total.kind === 'known' && { totalBytes: total.value }) } }
}

/** What lockdownd says of the battery; what it is plugged into only the registry knows. */
function powerOf(battery: Looked<PlistDict>): Reading<Power> {
  const isConnected = fact(battery, 'ExternalConnected', parseTruth)
  if (isConnected.kind !== 'known') return isConnected
  const known = <Value>(key: string, parse: Parse<Value>): Value | undefined => {
    const read = fact(battery, key, parse)
    return read.kind === 'known' ? read.value : undefined
  }
  const percent = known('BatteryCurrentCapacity', parsePercent)
  const isCharging = known('BatteryIsCharging', parseTruth)
  const canCharge = known('ExternalChargeCapable', parseTruth)
  const isFull = known('FullyCharged', parseTruth)
  return {
    ...isConnected,
    value: {
      isConnected: isConnected.value,
      ...(percent !== undefined && { percent }),
      ...(isCharging !== undefined && { isCharging }),
      ...(canCharge !== undefined && { canCharge }),
      ...(isFull !== undefined && { isFull }),
    },
  }
}

/** Find My, or an iCloud account that syncs anything, proves that somebody is signed in; nothing proves the contrary. */
function signedInOf(findMy: Looked<PlistDict>, sync: Looked<PlistDict>): Reading<boolean> {
  const isAssociated = fact(findMy, 'IsAssociated', parseTruth)
  if (isAssociated.kind === 'known' && isAssociated.value) return isAssociated
  if (sync.kind === 'known' && Object.values(sync.value).some(namesCloud)) {
    return { kind: 'known', value: true, source: 'lockdown', atMs: sync.atMs }
  }
  if (isAssociated.kind === 'unread') return isAssociated
  return sync.kind === 'unread' ? sync : { kind: 'unread', why: 'not-asked' }
}

/** `{AccountNames: […], Sources: […]}` for each kind of data that is synced. */
function namesCloud(entry: Plist): boolean {
  const { AccountNames, Sources } = dictOf(entry) ?? {}
  return [AccountNames, Sources].some((list) => arrayOf(list)?.includes('iCloud'))
}

const DEVICE_CLASSES = ['iPhone', 'iPad', 'iPod'] as const

function parseDeviceClass(value: Plist): FactValues['deviceClass'] | undefined {
  return DEVICE_CLASSES.find((name) => name === value)
}

const NAME_LENGTH_MAX = 60

/** A model, a version, a language, a time zone: short and plain. */
function parseName(value: Plist): string | undefined {
  const text = textOf(value)
  return text !== undefined && text.length <= NAME_LENGTH_MAX && /^[\w./+() ,-]+$/.test(text) ? text : undefined
}

function parseSetup(value: Plist): FactValues['setup'] | undefined {
  const isDone = parseTruth(value)
  return isDone === undefined ? undefined : isDone ? 'done' : 'unfinished'
}

function parsePercent(value: Plist): number | undefined {
  const percent = numberOf(value)
  return percent !== undefined && percent >= 0 && percent <= 100 ? percent : undefined
}

/** The phone's word for this start of it; it changes with every restart. */
export function bootSessionOf(looked: Looked<PhoneValues>): Reading<string> {
  const own = domainOf(looked, '')
  const isPublicOnly = looked.kind === 'known' && looked.value.obstacle !== undefined
  return isPublicOnly ? { kind: 'unread', why: 'refused' } : fact(own, 'BootSessionID', parseName)
}
