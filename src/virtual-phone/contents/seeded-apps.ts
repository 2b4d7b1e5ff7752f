import type { SeededRandom } from '../../base/random.ts'
import type { PhoneApp } from './entry.ts'

type InstalledApp = Omit<PhoneApp, 'dynamicBytes'>

const SYSTEM_APPS = [
  ['com.apple.mobilesafari', 'Safari'],
  ['com.apple.mobilenotes', 'Notes'],
  ['com.apple.mobilemail', 'Mail'],
  ['com.apple.MobileSMS', 'Messages'],
  ['com.apple.mobileslideshow', 'Photos'],
  ['com.apple.VoiceMemos', 'Voice Memos'],
] as const

const USER_APPS = [
  ['net.whatsapp.WhatsApp', 'WhatsApp'],
  ['com.example.tidepool', 'Tidepool'],
  ['com.example.bread-diary', 'Bread Diary'],
  ['com.example.tramtimes', 'Tram Times'],
  ['com.example.sketchbook', 'Sketchbook'],
  ['com.example.birdsong', 'Birdsong 🐦'],
  ['com.example.ledger', 'Ledger'],
  ['com.example.chess', 'Café Chess'],
  ['com.example.podlet', 'Podlet'],
  ['com.example.scanpad', 'Scanpad'],
  ['com.example.hikelog', 'Hike Log'],
  ['com.example.recipes', 'レシピ帳'],
] as const

/** System apps and some of the made-up ones: the more files a phone has, the more apps. */
export function seededApps({ files }: { files: number }, random: SeededRandom): readonly InstalledApp[] {
  const userApps = USER_APPS.slice(0, Math.min(USER_APPS.length, 3 + Math.floor(files / 200)))
  const install =
    (category: InstalledApp['category']) =>
    ([bundleId, name]: readonly [string, string]) => ({
      bundleId,
      name,
      category,
      version: `${1 + random.below(9)}.${random.below(20)}`,
      staticBytes: 5_000_000 + random.below(200_000_000),
    })
  return [...SYSTEM_APPS.map(install('System')), ...userApps.map(install('User'))]
}
