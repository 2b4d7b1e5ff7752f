/** What a model of phone is made of, as far as lockdownd tells it. */
export interface Model {
  /** Apple's product type, such as `iPhone15,4`. */
  readonly productType: string
  /** What people call it. */
  readonly marketingName: string
  readonly deviceClass: 'iPhone' | 'iPad' | 'iPod'
  readonly hardwareModel: string
  readonly chipId: number
  readonly boardId: number
  /** Phones up to the iPhone X have a UDID of 40 hex digits; later ones 8 and 16, from the chip and its number. */
  readonly udidForm: 'sha1' | 'chip'
  readonly hasTelephone: boolean
}

const iPhone = { deviceClass: 'iPhone', udidForm: 'chip', hasTelephone: true } as const
const iPad = { deviceClass: 'iPad', udidForm: 'chip', hasTelephone: false } as const

/** The models offered by name. Source: public model lists; marked "inferred" in docs/protocol/lockdown.md#values. */
export const MODELS: readonly Model[] = [
  {
    ...iPhone,
    productType: 'iPhone15,4',
    marketingName: 'iPhone 15',
    hardwareModel: 'D37AP',
    chipId: 0x8120,
    boardId: 12,
  },
  {
    ...iPhone,
    productType: 'iPhone16,1',
    marketingName: 'iPhone 15 Pro',
    hardwareModel: 'D83AP',
    chipId: 0x8130,
    boardId: 4,
  },
  {
    ...iPhone,
    productType: 'iPhone18,3',
    marketingName: 'iPhone 17',
    hardwareModel: 'V57AP',
    chipId: 0x8150,
    boardId: 8,
  },
  {
    ...iPhone,
    productType: 'iPhone17,2',
    marketingName: 'iPhone 16 Pro Max',
    hardwareModel: 'D94AP',
    chipId: 0x8140,
    boardId: 14,
  },
  {
    ...iPhone,
    productType: 'iPhone17,1',
    marketingName: 'iPhone 16 Pro',
    hardwareModel: 'D93AP',
    chipId: 0x8140,
    boardId: 12,
  },
  {
    ...iPhone,
    productType: 'iPhone17,3',
    marketingName: 'iPhone 16',
    hardwareModel: 'D47AP',
    chipId: 0x8140,
    boardId: 8,
  },
  {
    ...iPhone,
    productType: 'iPhone15,2',
    marketingName: 'iPhone 14 Pro',
    hardwareModel: 'D73AP',
    chipId: 0x8120,
    boardId: 12,
  },
  {
    ...iPhone,
    productType: 'iPhone14,7',
    marketingName: 'iPhone 14',
    hardwareModel: 'D27AP',
    chipId: 0x8110,
    boardId: 24,
  },
  {
    ...iPhone,
    productType: 'iPhone14,6',
    marketingName: 'iPhone SE (3rd generation)',
    hardwareModel: 'D49AP',
    chipId: 0x8110,
    boardId: 16,
  },
  {
    ...iPhone,
    productType: 'iPhone14,5',
    marketingName: 'iPhone 13',
    hardwareModel: 'D17AP',
    chipId: 0x8110,
    boardId: 10,
  },
  {
    ...iPhone,
    productType: 'iPhone13,2',
    marketingName: 'iPhone 12',
    hardwareModel: 'D53gAP',
    chipId: 0x8101,
    boardId: 12,
  },
  {
    ...iPhone,
    productType: 'iPhone12,1',
    marketingName: 'iPhone 11',
    hardwareModel: 'N104AP',
    chipId: 0x8030,
    boardId: 4,
  },
  {
    ...iPhone,
    productType: 'iPhone11,8',
    marketingName: 'iPhone XR',
    hardwareModel: 'N841AP',
    chipId: 0x8020,
    boardId: 12,
  },
  {
    ...iPhone,
    productType: 'iPhone10,6',
    marketingName: 'iPhone X',
    hardwareModel: 'D221AP',
    chipId: 0x8015,
    boardId: 14,
    udidForm: 'sha1',
  },
  {
    ...iPhone,
    productType: 'iPhone10,4',
    marketingName: 'iPhone 8',
    hardwareModel: 'D201AP',
    chipId: 0x8015,
    boardId: 10,
    udidForm: 'sha1',
  },
  {
    ...iPhone,
    productType: 'iPhone9,1',
    marketingName: 'iPhone 7',
    hardwareModel: 'D10AP',
    chipId: 0x8010,
    boardId: 8,
    udidForm: 'sha1',
  },
  {
    ...iPhone,
    productType: 'iPhone8,1',
    marketingName: 'iPhone 6s',
    hardwareModel: 'N71AP',
    chipId: 0x8000,
    boardId: 4,
    udidForm: 'sha1',
  },
  {
    ...iPad,
    productType: 'iPad13,18',
    marketingName: 'iPad (10th generation)',
    hardwareModel: 'J271AP',
    chipId: 0x8101,
    boardId: 20,
  },
  {
    ...iPad,
    productType: 'iPad14,1',
    marketingName: 'iPad mini (6th generation)',
    hardwareModel: 'J310AP',
    chipId: 0x8110,
    boardId: 48,
  },
  {
    ...iPad,
    productType: 'iPad13,16',
    marketingName: 'iPad Air (5th generation)',
    hardwareModel: 'J407AP',
    chipId: 0x8103,
    boardId: 14,
  },
  {
    ...iPad,
    productType: 'iPad5,3',
    marketingName: 'iPad Air 2',
    hardwareModel: 'J81AP',
    chipId: 0x7001,
    boardId: 6,
    udidForm: 'sha1',
  },
]

/** The model of that product type; a made-up one for a type that is not in the table; undefined for anything else. */
export function modelOf(productType: string): Model | undefined {
  const known = MODELS.find((model) => model.productType === productType)
  if (known !== undefined) return known
  const family = /^(iPhone|iPad|iPod)\d{1,2},\d{1,2}$/.exec(productType)?.[1]
  if (family === undefined) return undefined
  const made = { productType, marketingName: productType, hardwareModel: 'V00AP', chipId: 0x8120, boardId: 2 }
  return family === 'iPhone'
    ? { ...iPhone, ...made }
    : { ...iPad, ...made, deviceClass: family === 'iPad' ? 'iPad' : 'iPod' }
}

const BUILDS: { readonly [version: string]: string } = {
  '26.1': '23B85',
  '26.0': '23A341',
  '18.7': '22H20',
  '18.5': '22F76',
  '18.4.1': '22E252',
  '18.0': '22A3354',
  '17.3.1': '21D61',
  '17.0': '21A329',
  '16.7.10': '20H350',
  '16.0': '20A362',
  '15.8.3': '19H386',
  '15.7': '19H12',
  '15.0': '19A346',
  '14.8.1': '18H107',
  '13.7': '17H35',
  '12.4.1': '16G102',
}

/**
 * The build of an iOS version (`18.5` gives `22F76`); a plausible one for versions that are not in the table.
 * The build's number is four more than the version up to iOS 18; iOS 26 follows 18.
 */
export function buildOf(version: string): string {
  const known = BUILDS[version]
  if (known !== undefined) return known
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const letter = String.fromCharCode('A'.charCodeAt(0) + Math.min(minor, 25))
  return `${major >= 26 ? major - 3 : major + 4}${letter}${100 + patch}`
}
