import type { WaitOptions } from '../../base/channel.ts'
import { isAppError } from '../../base/errors.ts'
import { boolOf } from '../../plist/index.ts'
import { deviceError } from '../errors.ts'
import { getValue, setValue } from '../lockdown/lockdown.ts'
import type { Phone } from '../phone.ts'
import { openSession } from '../phone.ts'

/** The switch that Finder calls "Show this iPhone when on Wi-Fi". Source: docs/protocol/wifi.md#the-switch */
const SWITCH = { domain: 'com.apple.mobile.wireless_lockdown', key: 'EnableWifiConnections' }

/** Whether the phone lets the computers that it trusts reach it over Wi-Fi. Needs a pairing. */
export async function readWifiConnections(phone: Phone, { signal }: WaitOptions): Promise<boolean> {
  await using session = await openSession(phone, { signal })
  return boolOf(await getValue(session.lockdown, SWITCH, { signal })) === true
}

/**
 * Lets the computers that the phone trusts reach it over Wi-Fi, or no longer; other programs share the switch. Needs a
 * pairing, so the first time a cable. Throws `device.setting-unchanged` when the phone keeps it as it was. Asked over Wi-Fi, a
 * phone that switches them off may end this connection, too, before it has answered: that is taken for a yes.
 */
export async function setWifiConnections(phone: Phone, isOn: boolean, { signal }: WaitOptions): Promise<void> {
  await using session = await openSession(phone, { signal })
  try {
    await setValue(session.lockdown, { ...SWITCH, value: isOn }, { signal })
    if ((boolOf(await getValue(session.lockdown, SWITCH, { signal })) === true) === isOn) return
  } catch (error) {
    const isOwnEnd = !isOn && phone.transport === 'wifi' && isAppError(error, 'wire.closed')
    if (isOwnEnd) return
    throw error
  }
  throw deviceError(
    'device.setting-unchanged',
    `The phone did not switch its Wi-Fi connections ${isOn ? 'on' : 'off'}`,
    {
      remedy: "Unlock the phone and try again; if a profile of its owner's company forbids it, use the cable",
    },
  )
}
