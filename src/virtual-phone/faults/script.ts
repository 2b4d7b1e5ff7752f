import { MISCHIEFS } from '../backup/mischief.ts'
import { badFaults } from '../errors.ts'
import { type Fields, parseJsonFields } from '../fields.ts'
import type { Fault, FaultKind, FaultOf, OnLink } from './fault.ts'

/** A script has at most that many characters, and faults. */
const SCRIPT_LENGTH_MAX = 1 << 20
const FAULTS_MAX = 10_000

/**
 * Reads a fault script: JSON, `{"faults": [...]}`, each a `Fault`. Nothing unknown is passed over.
 * Throws `virtual-phone.bad-faults` with the place of the first mistake, like `faults[2].afterBytes`.
 */
export function parseFaultScript(text: string): readonly Fault[] {
  if (text.length > SCRIPT_LENGTH_MAX)
    throw badFaults('its size', `it has ${text.length} characters, limit ${SCRIPT_LENGTH_MAX}`)
  const script = parseJsonFields(text, badFaults)
  const faults = script.list('faults', { countMax: FAULTS_MAX })
  script.end()
  return faults.map(parseFault)
}

/** One fault of a script. */
export function parseFault(fields: Fields): Fault {
  const kind = fields.oneOf('do', FAULT_KINDS)
  const fault = READERS[kind](fields)
  fields.end()
  return fault
}

const READERS: { readonly [Kind in FaultKind]: (fields: Fields) => FaultOf<Kind> } = {
  cut: (fields) => ({ do: 'cut', ...readLink(fields) }),
  stall: (fields) => ({ do: 'stall', ...readLink(fields), ms: fields.whole('ms') }),
  slow: (fields) => ({ do: 'slow', ...readLink(fields), bytesPerSecond: fields.whole('bytesPerSecond', { min: 1 }) }),
  lock: (fields) => ({ do: 'lock', ...readLink(fields) }),
  restart: (fields) => ({ do: 'restart', ...readLink(fields) }),
  'end-file': (fields) => ({
    do: 'end-file',
    ...readFile(fields),
    code: fields.whole('code', { min: 1, max: 255 }),
    ...fields.optional('text', (name) => fields.text(name, { lengthMax: 4_000 })),
  }),
  'send-twice': (fields) => ({ do: 'send-twice', ...readFile(fields) }),
  'misreport-size': (fields) => ({ do: 'misreport-size', ...readTimes(fields), bytes: fields.whole('bytes') }),
  'misjudge-room': (fields) => ({ do: 'misjudge-room', ...readTimes(fields), freeBytes: fields.whole('freeBytes') }),
  'large-manifest': (fields) => ({
    do: 'large-manifest',
    ...readTimes(fields),
    bytes: fields.whole('bytes', { max: MANIFEST_BYTES_MAX }),
  }),
  mischief: (fields) => ({ do: 'mischief', ...readTimes(fields), name: fields.oneOf('name', MISCHIEF_NAMES) }),
}

/** The largest that was seen of a real phone is half of it. */
const MANIFEST_BYTES_MAX = 3e9

export const FAULT_KINDS = Object.keys(READERS) as readonly FaultKind[]
const MISCHIEF_NAMES = MISCHIEFS.map(({ name }) => name)

function readLink(fields: Fields): OnLink & { times?: number } {
  const service = fields.text('service', { lengthMax: 200 })
  const link = {
    service,
    ...readTimes(fields),
    ...fields.optional('from', (name) => fields.oneOf(name, ['phone', 'host'] as const)),
    ...fields.optional('afterBytes', (name) => fields.whole(name)),
    ...fields.optional('atMessage', (name) => fields.whole(name, { min: 1 })),
  }
  if (link.afterBytes !== undefined && link.atMessage !== undefined)
    throw badFaults(fields.placeOf('atMessage'), 'give either this or afterBytes')
  if (link.atMessage !== undefined && UNFRAMED_SERVICES.has(service))
    throw badFaults(fields.placeOf('atMessage'), `${service} has messages of another form: give afterBytes`)
  return link
}

/** Their messages are no u32 big-endian length and a body. */
const UNFRAMED_SERVICES: ReadonlySet<string> = new Set([
  'com.apple.afc',
  'com.apple.crashreportcopymobile',
  'com.apple.crashreportmover',
  'com.apple.mobile.house_arrest',
  'com.apple.os_trace_relay',
  'com.apple.syslog_relay',
])

function readFile(fields: Fields): { times?: number; file?: number } {
  return { ...readTimes(fields), ...fields.optional('file', (name) => fields.whole(name, { min: 1 })) }
}

function readTimes(fields: Fields): { times?: number } {
  return fields.optional('times', (name) => fields.whole(name, { min: 1 }))
}
