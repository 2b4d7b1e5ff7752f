import { createHash } from 'node:crypto'
import type { PhoneIdentity } from '../contents/index.ts'
import { badUdid, badVersion, unknownModel } from '../errors.ts'
import { buildOf, MODELS, type Model, modelOf } from './models.ts'

/** Who a phone is: everything that does not change while it runs, except its name. */
export interface Identity {
  readonly udid: string
  readonly model: Model
  /** Always with a dot: libimobiledevice 1.3.0 takes "18" for a phone older than iOS 7. */
  readonly productVersion: string
  readonly buildVersion: string
  readonly deviceName: string
  readonly serialNumber: string
  /** The chip's own number (ECID); mostly beyond 2^53. */
  readonly chipNumber: bigint
  /** `aa:bb:cc:dd:ee:ff`. */
  readonly wifiAddress: string
  readonly bluetoothAddress: string
  /** 15 digits with a right check digit. */
  readonly imei: string
}

export interface IdentityOptions {
  /** The same seed always makes the same phone. */
  readonly seed: number
  /** A product type; `iPhone15,4` unless given. */
  readonly model?: string
  /** `18.5` unless given. */
  readonly ios?: string
  readonly name?: string
  /** Made from the seed unless given. */
  readonly udid?: string
}

/**
 * Makes a phone up from the seed. Where the options say nothing, what is known of the phone that the contents came from counts.
 * Throws `virtual-phone.unknown-model`, `.bad-version` or `.bad-udid`.
 */
export function createIdentity(options: IdentityOptions, origin: PhoneIdentity): Identity {
  const { seed } = options
  const model = parseModel(options.model ?? origin.productType ?? 'iPhone15,4')
  const productVersion = parseVersion(options.ios ?? origin.productVersion ?? '18.5')
  const buildOfOrigin = options.ios === undefined ? origin.buildVersion : undefined
  const chipNumber = seededBytes(seed, 'chip').readBigUInt64BE() >> 8n
  return {
    udid: parseUdid(options.udid ?? origin.udid ?? udidOf(model, chipNumber)),
    model,
    productVersion,
    buildVersion: buildOfOrigin ?? buildOf(productVersion),
    deviceName: options.name ?? origin.deviceName ?? `Virtual ${model.deviceClass}`,
    serialNumber: origin.serialNumber ?? serialNumberOf(seed),
    chipNumber,
    wifiAddress: macAddressOf(seed, 'Wi-Fi'),
    bluetoothAddress: macAddressOf(seed, 'Bluetooth'),
    imei: imeiOf(seed),
  }
}

function parseModel(productType: string): Model {
  const model = modelOf(productType)
  if (model === undefined)
    throw unknownModel(
      productType,
      MODELS.map((known) => known.productType),
    )
  return model
}

function parseVersion(text: string): string {
  if (!/^\d{1,2}(\.\d{1,2}){0,2}$/.test(text)) throw badVersion(text)
  return text.includes('.') ? text : `${text}.0`
}

function parseUdid(text: string): string {
  if (!/^([0-9A-Fa-f]{40}|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{16})$/.test(text)) throw badUdid(text)
  return text
}

/** `00008120-` and the chip's number for new models; 40 hex digits for old ones. Source: docs/protocol/usbmux.md#properties */
function udidOf(model: Model, chipNumber: bigint): string {
  if (model.udidForm === 'sha1') return createHash('sha1').update(`${model.productType} ${chipNumber}`).digest('hex')
  const chip = model.chipId.toString(16).padStart(8, '0')
  return `${chip}-${chipNumber.toString(16).padStart(16, '0')}`.toUpperCase()
}

const SERIAL_LETTERS = 'CDFGHJKLMNPQRTVWXY0123456789'

function serialNumberOf(seed: number): string {
  return Array.from(
    seededBytes(seed, 'serial').subarray(0, 10),
    (byte) => SERIAL_LETTERS[byte % SERIAL_LETTERS.length],
  ).join('')
}

function macAddressOf(seed: number, what: string): string {
  const bytes = seededBytes(seed, what).subarray(0, 6)
  bytes[0] = (bytes[0]! & 0xfc) | 0x02
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}

function imeiOf(seed: number): string {
  const digits = `35${(seededBytes(seed, 'imei').readUIntBE(0, 6) % 1e12).toString().padStart(12, '0')}`
  return digits + luhnDigit(digits)
}

function luhnDigit(digits: string): string {
  const sum = Array.from(digits, Number).reduce((total, digit, index) => {
    const weighed = index % 2 === 1 ? digit * 2 : digit
    return total + (weighed > 9 ? weighed - 9 : weighed)
  }, 0)
  return String((10 - (sum % 10)) % 10)
}

function seededBytes(seed: number, what: string): Buffer {
  return createHash('sha256').update(`${what} of virtual phone ${seed}`).digest()
}
