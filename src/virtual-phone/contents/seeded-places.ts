import type { SeededRandom } from '../../base/random.ts'
import type { Place } from './entry.ts'

/** Names that are legal on a phone and trouble elsewhere: every pair differs only by case or by Unicode form. */
export const ODD_PLACES: readonly Place[] = [
  { domain: 'HomeDomain', relativePath: 'Library/Preferences/com.apple.springboard.plist' },
  { domain: 'HomeDomain', relativePath: 'Library/Preferences/com.apple.SpringBoard.plist' },
  { domain: 'AppDomain-com.example.tidepool', relativePath: 'Documents/Caf\u00e9.txt' },
  { domain: 'AppDomain-com.example.tidepool', relativePath: 'Documents/Cafe\u0301.txt' },
  { domain: 'AppDomain-com.example.tidepool', relativePath: 'Documents/🌊 Tide 🦀.json' },
  { domain: 'AppDomain-com.example.tidepool', relativePath: 'Documents/  two  spaces .txt' },
  { domain: 'AppDomain-com.example.bread-diary', relativePath: 'Documents/a: b? "c" <d> | e*.txt' },
  { domain: 'AppDomain-com.example.bread-diary', relativePath: 'Documents/back\\slash.txt' },
  { domain: 'AppDomain-com.example.bread-diary', relativePath: 'Documents/CON' },
  { domain: 'AppDomain-com.example.bread-diary', relativePath: 'Documents/trailing dot.' },
  { domain: 'AppDomain-com.example.bread-diary', relativePath: 'Documents/new\nline.txt' },
  { domain: 'AppDomain-com.example.bread-diary', relativePath: `Documents/${'long '.repeat(48)}.txt` },
]

interface Wanted {
  /** Makes the name unique. */
  readonly index: number
  readonly size: number
  readonly bundleIds: readonly string[]
}

/** A place where a file of that size would be found, with an ending that such a file can keep. */
export function namePlace(wanted: Wanted, random: SeededRandom): Place {
  if (wanted.size >= 500_000_000) return cameraPlace(wanted)
  if (wanted.size >= 100_000) return random.below(4) > 0 ? cameraPlace(wanted) : largeAppPlace(wanted, random)
  if (wanted.size >= 8_000) return random.pick([thumbnailPlace, attachmentPlace, jsonPlace])(wanted, random)
  if (wanted.size >= SETTINGS_BYTES_MIN)
    return random.pick([settingsPlace, appSettingsPlace, jsonPlace])(wanted, random)
  return textPlace(wanted, random)
}

/** Below this an XML property list has no room for its frame. */
const SETTINGS_BYTES_MIN = 300

const name36 = (index: number) => index.toString(36).padStart(4, '0')
/** At most that many files of a kind get into one folder. */
const spread = (index: number) => Math.floor(index / 500)

function cameraPlace({ index, size }: Wanted): Place {
  const ending = size >= 8_000_000 ? 'MOV' : index % 3 === 0 ? 'JPG' : 'HEIC'
  const folder = `${100 + Math.floor(index / 9_000)}APPLE`
  const number = String(1 + (index % 9_000)).padStart(4, '0')
  return { domain: 'CameraRollDomain', relativePath: `Media/DCIM/${folder}/IMG_${number}.${ending}` }
}

function thumbnailPlace({ index }: Wanted): Place {
  const folder = `${100 + spread(index)}APPLE`
  const relativePath = `Media/PhotoData/Thumbnails/V2/DCIM/${folder}/IMG_${name36(index)}.JPG`
  return { domain: 'CameraRollDomain', relativePath }
}

function attachmentPlace({ index }: Wanted, random: SeededRandom): Place {
  const bucket = random.below(256).toString(16).padStart(2, '0')
  return { domain: 'MediaDomain', relativePath: `Library/SMS/Attachments/${bucket}/IMG_${name36(index)}.HEIC` }
}

function largeAppPlace({ index, bundleIds }: Wanted, random: SeededRandom): Place {
  const ending = random.pick(['pdf', 'mp4', 'm4a', 'bin', 'png'])
  const domain = `AppDomain-${random.pick(bundleIds)}`
  return { domain, relativePath: `Documents/Files ${spread(index)}/item ${index}.${ending}` }
}

function jsonPlace({ index, bundleIds }: Wanted, random: SeededRandom): Place {
  const domain = `AppDomain-${random.pick(bundleIds)}`
  return { domain, relativePath: `Library/Application Support/store/${spread(index)}/${name36(index)}.json` }
}

function settingsPlace({ index }: Wanted, random: SeededRandom): Place {
  const domain = random.pick(['HomeDomain', 'HomeDomain', 'HomeDomain', 'WirelessDomain', 'RootDomain'])
  return { domain, relativePath: `Library/Preferences/com.apple.daemon${spread(index)}.${name36(index)}.plist` }
}

function appSettingsPlace({ index, bundleIds }: Wanted, random: SeededRandom): Place {
  const bundleId = random.pick(bundleIds)
  const relativePath = `Library/Preferences/${bundleId}.${name36(index)}.plist`
  return { domain: `${random.pick(['AppDomain-', 'AppDomainGroup-group.'])}${bundleId}`, relativePath }
}

function textPlace({ index, bundleIds }: Wanted, random: SeededRandom): Place {
  const text = {
    domain: `AppDomain-${random.pick(bundleIds)}`,
    relativePath: `Documents/${spread(index)}/note ${name36(index)}.txt`,
  }
  const keyboard = {
    domain: 'KeyboardDomain',
    relativePath: `Library/Keyboard/${spread(index)}/words-${name36(index)}.txt`,
  }
  const book = { domain: 'BooksDomain', relativePath: `Media/Books/Purchases/${spread(index)}/${name36(index)}.html` }
  return random.pick([text, text, keyboard, book])
}
