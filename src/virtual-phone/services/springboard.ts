import { createHash } from 'node:crypto'
import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import { type PlistDict, textOf } from '../../plist/index.ts'
import type { PhoneApp } from '../contents/index.ts'
import { readRequests, writePlistFrame } from '../plist-frames.ts'
import { encodePlainPng } from './png.ts'
import type { ServicePhone } from './service.ts'

/** Icons and the home screen. Source: docs/protocol/small-services.md#springboardservices */
export async function serveSpringboard(
  channel: ByteChannel,
  phone: ServicePhone,
  { signal }: WaitOptions,
): Promise<void> {
  for await (const request of readRequests(channel, { signal })) {
    const answer = request.command === 'getIconState' ? homeScreen(phone) : answerSpringboard(request, phone)
    await writePlistFrame(channel, answer, { signal })
  }
}

function answerSpringboard(request: PlistDict, phone: ServicePhone): PlistDict {
  switch (textOf(request.command)) {
    case 'getIconPNGData':
      return iconOf(textOf(request.bundleId), phone)
    case 'getInterfaceOrientation':
      return { interfaceOrientation: 1 }
    default:
      return { error: 'UnknownCommand' }
  }
}

function iconOf(bundleId: string | undefined, phone: ServicePhone): PlistDict {
  const app = phone.contents.apps.find((known) => known.bundleId === bundleId)
  if (app === undefined) return { error: 'UnknownIcon' }
  const [red = 0, green = 0, blue = 0] = createHash('sha256').update(app.bundleId).digest()
  return { pngData: encodePlainPng({ pixels: 120, rgb: [red, green, blue] }) }
}

const DOCK_ICONS = 4
const PAGE_ICONS = 24

/** The dock, then the pages. */
function homeScreen({ contents }: ServicePhone): PlistDict[][] {
  const icons = contents.apps.map(iconEntry)
  const pages = [icons.slice(0, DOCK_ICONS)]
  for (let first = DOCK_ICONS; first < icons.length; first += PAGE_ICONS)
    pages.push(icons.slice(first, first + PAGE_ICONS))
  return pages
}

function iconEntry({ bundleId, name, version }: PhoneApp): PlistDict {
  return { bundleIdentifier: bundleId, displayIdentifier: bundleId, displayName: name, bundleVersion: version }
}
