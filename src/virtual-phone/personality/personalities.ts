import { unknownPersonality } from '../errors.ts'
import type { Evidence } from './traits.ts'

/** A kind of phone by name: a model on a version of iOS. What that version does differently is in `TRAITS`. */
export interface Personality {
  readonly name: string
  /** Apple's product type. */
  readonly model: string
  readonly ios: string
  /** Values of lockdownd that it does not tell, `DOMAIN:KEY` each. */
  readonly without?: readonly string[]
  /** Why it is worth having. */
  readonly shows: string
  /** How sure its values are, beyond what model and version tell. */
  readonly evidence: Evidence
}

/** Oldest iOS first. Source: docs/protocol/lockdown.md#versions */
export const PERSONALITIES: readonly Personality[] = [
  {
    name: 'iphone-6s-ios12',
    model: 'iPhone8,1',
    ios: '12.4.1',
    shows: 'services without TLS, DeviceLink 300, a UDID of 40 digits',
    evidence: 'recorded',
  },
  {
    name: 'iphone-7-ios13',
    model: 'iPhone9,1',
    ios: '13.7',
    shows: 'the first iOS with TLS for services, still DeviceLink 300',
    evidence: 'source',
  },
  {
    name: 'ipad-air-2-ios14',
    model: 'iPad5,3',
    ios: '14.8.1',
    shows: 'an iPad with a UDID of 40 digits, the first iOS with DeviceLink 400',
    evidence: 'source',
  },
  {
    name: 'iphone-xr-ios15',
    model: 'iPhone11,8',
    ios: '15.7',
    shows: 'the last iOS that backs up without asking for the passcode',
    evidence: 'source',
  },
  {
    name: 'iphone-6s-ios15',
    model: 'iPhone8,1',
    ios: '15.8.3',
    shows: 'an old phone whose last updates brought the question for the passcode',
    evidence: 'source',
  },
  {
    name: 'iphone-x-ios16',
    model: 'iPhone10,6',
    ios: '16.7.10',
    shows: 'the newest phone with a UDID of 40 digits',
    evidence: 'source',
  },
  {
    name: 'iphone-13-ios17',
    model: 'iPhone14,5',
    ios: '17.3.1',
    shows: 'the last iOS that answers MobileGestalt',
    evidence: 'source',
  },
  {
    name: 'iphone-12-ios18',
    model: 'iPhone13,2',
    ios: '18.4.1',
    shows: 'the values of com.apple.mobile.backup as in a published dump',
    evidence: 'recorded',
  },
  {
    name: 'iphone-15-ios18',
    model: 'iPhone15,4',
    ios: '18.5',
    shows: 'what the virtual phone is when nothing is said',
    evidence: 'source',
  },
  {
    name: 'ipad-10-ios18',
    model: 'iPad13,18',
    ios: '18.7',
    shows: 'an iPad without a telephone',
    evidence: 'source',
  },
  {
    name: 'iphone-16-pro-ios26',
    model: 'iPhone17,1',
    ios: '26.1',
    shows: 'the jump of version numbers, on the network still with its Wi-Fi address',
    evidence: 'source',
  },
  {
    name: 'iphone-17-ios26.4',
    model: 'iPhone18,3',
    ios: '26.4',
    shows: 'known on the network by its authTag only',
    evidence: 'source',
  },
  {
    name: 'iphone-16-pro-max-ios27',
    model: 'iPhone17,2',
    ios: '27.0.1',
    without: ['com.apple.mobile.backup:RequiresEncryption', 'com.apple.mobile.backup:Version'],
    shows:
      'the few values of com.apple.mobile.backup that a published dump has, capacities of the battery in BatteryData',
    evidence: 'recorded',
  },
]

/** Throws `virtual-phone.unknown-personality`. */
export function personalityOf(name: string): Personality {
  const personality = PERSONALITIES.find((known) => known.name === name)
  if (personality === undefined)
    throw unknownPersonality(
      name,
      PERSONALITIES.map((known) => known.name),
    )
  return personality
}
