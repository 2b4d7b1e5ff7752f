import { AppError } from '../base/errors.ts'

export type VirtualPhoneErrorCode =
  | 'virtual-phone.bad-setting'
  | 'virtual-phone.bad-version'
  | 'virtual-phone.bad-udid'
  | 'virtual-phone.unknown-model'
  | 'virtual-phone.not-listening'
  | 'virtual-phone.attached-twice'
  | 'virtual-phone.unknown-personality'
  | 'virtual-phone.bad-faults'
  | 'virtual-phone.bad-command'

/** A `DOMAIN:KEY=VALUE` that says something else. */
export function badSetting(text: string): AppError<VirtualPhoneErrorCode> {
  return new AppError('virtual-phone.bad-setting', `${JSON.stringify(text)} is not of the form DOMAIN:KEY=VALUE`, {
    remedy:
      'Write it like com.apple.mobile.battery:BatteryCurrentCapacity=20, or :DeviceName=Anna for a value without a domain',
  })
}

/** An iOS version that is not numbers with dots. */
export function badVersion(text: string): AppError<VirtualPhoneErrorCode> {
  return new AppError('virtual-phone.bad-version', `${JSON.stringify(text)} is not an iOS version`, {
    remedy: 'Give it as numbers, like 18.5 or 17.6.1',
  })
}

/** A UDID in neither of Apple's two forms. */
export function badUdid(text: string): AppError<VirtualPhoneErrorCode> {
  return new AppError('virtual-phone.bad-udid', `${JSON.stringify(text)} is not a UDID`, {
    remedy:
      'Give 40 hexadecimal digits, or 8 and 16 of them with a dash between; or none, then one is made from the seed',
  })
}

/** A product type that is not an iPhone's, iPad's or iPod's. */
export function unknownModel(text: string, known: readonly string[]): AppError<VirtualPhoneErrorCode> {
  return new AppError('virtual-phone.unknown-model', `${JSON.stringify(text)} is not a model of iPhone, iPad or iPod`, {
    remedy: `Give a product type such as ${known.slice(0, 4).join(', ')}`,
  })
}

/** The mux server cannot have the address it was told to listen on. */
export function notListening(address: string, cause: unknown): AppError<VirtualPhoneErrorCode> {
  return new AppError(
    'virtual-phone.not-listening',
    `Cannot listen on ${address} (${cause instanceof Error ? cause.message : String(cause)})`,
    {
      remedy: 'Choose another port or path, or end the program that uses this one',
      cause,
    },
  )
}

/** Two phones with one UDID on one mux server. */
export function attachedTwice(udid: string): AppError<VirtualPhoneErrorCode> {
  return new AppError('virtual-phone.attached-twice', `A phone with the UDID ${udid} is attached already`, {
    remedy: 'Give every virtual phone a seed or a UDID of its own',
  })
}

/** A name that is not in the table of personalities. */
export function unknownPersonality(name: string, known: readonly string[]): AppError<VirtualPhoneErrorCode> {
  return new AppError('virtual-phone.unknown-personality', `${JSON.stringify(name)} is not a personality`, {
    remedy: `Choose one of ${known.join(', ')}`,
  })
}

/** A fault script that is no JSON, or has something in it that is no fault; `where` is like `faults[2].afterBytes`. */
export function badFaults(where: string, saw: string): AppError<VirtualPhoneErrorCode> {
  return new AppError('virtual-phone.bad-faults', `The fault script is wrong at ${where}: ${saw}`, {
    remedy: 'Compare it with the examples in docs/virtual-phone.md',
  })
}

/** A request to the control address that cannot be carried out. */
export function badCommand(saw: string): AppError<VirtualPhoneErrorCode> {
  return new AppError('virtual-phone.bad-command', saw, {
    remedy: 'Compare the request with the table in docs/virtual-phone.md',
  })
}
