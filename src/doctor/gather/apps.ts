import type { WaitOptions } from '../../base/channel.ts'
import { installedApps, openInstallationProxy, type Phone } from '../../device/index.ts'
import type { AppSize } from '../engine.ts'

/** More than anybody wants to read. */
const APPS_MAX = 30

/** The apps that keep the most, the largest first. */
export async function readAppSizes(phone: Phone, { signal }: WaitOptions): Promise<readonly AppSize[]> {
  await using proxy = await openInstallationProxy(phone, { signal })
  const apps: AppSize[] = []
  for await (const { bundleId, name, dataBytes } of installedApps(proxy, { type: 'User', withSizes: true, signal })) {
    if (dataBytes) apps.push({ id: bundleId, name: name ?? bundleId, dataBytes })
  }
  return apps.toSorted((left, right) => right.dataBytes - left.dataBytes).slice(0, APPS_MAX)
}
