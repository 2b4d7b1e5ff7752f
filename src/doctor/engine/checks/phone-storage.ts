import { isFresh } from '../cloud.ts'
import { saw } from '../evidence.ts'
import { type Facts, known } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { ROOM_BYTES } from '../thresholds.ts'
import { conclude, type Sign, sign } from './conclude.ts'
import { ERROR_FACTS, errorSigns } from './signs.ts'

/** Has the phone itself room to work? Both sorts of backup need some. */
export function examinePhoneStorage(facts: Facts): readonly Finding[] {
  const freeBytes = known(facts, 'phoneRoom')?.freeBytes
  const isOdd = freeBytes !== undefined && !(freeBytes >= 0)
  const isTight = freeBytes !== undefined && !isOdd && freeBytes < ROOM_BYTES
  return conclude(facts, {
    check: 'phone-storage',
    signs: [
      ...(isTight ? [tight(facts, freeBytes)] : []),
      ...(isFresh(facts) ? [] : errorSigns(facts, 'phone-storage', 'phone-full')),
    ],
    proof: freeBytes === undefined || isOdd ? [] : [saw('phone-room', ['phoneRoom'], { free: { bytes: freeBytes } })],
    notes: isOdd ? [saw('odd', ['phoneRoom'], {})] : [],
    restsOn: isFresh(facts) ? ['phoneRoom'] : ['phoneRoom', ...ERROR_FACTS],
    questions: ['phone-room'],
  })
}

function tight(facts: Facts, freeBytes: number): Sign {
  const evidence = saw('phone-room-tight', ['phoneRoom'], { free: { bytes: freeBytes } })
  return sign('phone-full', isFresh(facts) ? 'possible' : 'certain', evidence)
}
