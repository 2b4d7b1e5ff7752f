import type { ByteChannel, WaitOptions } from '../../base/channel.ts'
import type { Plist, PlistDict } from '../../plist/index.ts'
import { arrayOf, bytesOf, dictOf, textOf } from '../../plist/index.ts'
import type { Phone } from '../phone.ts'
import { readDict, readPlist, writePlist } from '../plist-frame.ts'
import { openLimitedService } from './limited-service.ts'

const SPRINGBOARD = 'com.apple.springboardservices'
const ICON_BYTES_MAX = 4 << 20
const ICON_STATE_BYTES_MAX = 16 << 20
/** A folder holds no folders on any iOS so far. */
const FOLDER_DEPTH_MAX = 4

/** Starts the service that the functions below talk to. The caller closes it. */
export async function openSpringboard(phone: Phone, { signal }: WaitOptions): Promise<ByteChannel> {
  return await openLimitedService(phone, SPRINGBOARD, { signal })
}

/** An app's icon as a PNG file; undefined when the phone has none. Source: docs/protocol/small-services.md#springboardservices */
export async function readIcon(
  channel: ByteChannel,
  bundleId: string,
  { signal }: WaitOptions,
): Promise<Uint8Array | undefined> {
  await writePlist(channel, { command: 'getIconPNGData', bundleId }, { form: 'binary', signal })
  return bytesOf((await readDict(channel, { bytesMax: ICON_BYTES_MAX, signal })).pngData)
}

/** What a page of the home screen holds. Widgets and whatever else there may be are `other`. */
export type HomeScreenItem =
  | { readonly kind: 'app'; readonly bundleId: string; readonly name: string | undefined }
  | { readonly kind: 'folder'; readonly name: string | undefined; readonly pages: readonly HomeScreenPage[] }
  | { readonly kind: 'other' }

export type HomeScreenPage = readonly HomeScreenItem[]

export interface HomeScreen {
  readonly dock: HomeScreenPage
  readonly pages: readonly HomeScreenPage[]
}

/** Where the icons are; undefined when the phone does not tell. Source: docs/protocol/small-services.md#springboardservices */
export async function readHomeScreen(channel: ByteChannel, { signal }: WaitOptions): Promise<HomeScreen | undefined> {
  await writePlist(channel, { command: 'getIconState', formatVersion: '2' }, { form: 'binary', signal })
  const state = arrayOf(await readPlist(channel, { bytesMax: ICON_STATE_BYTES_MAX, signal }))
  if (state === undefined) return undefined
  const [dock = [], ...pages] = pagesOf(state, FOLDER_DEPTH_MAX)
  return { dock, pages }
}

function pagesOf(value: Plist | undefined, depthLeft: number): readonly HomeScreenPage[] {
  return (arrayOf(value) ?? []).map((page) => (arrayOf(page) ?? []).map((item) => itemOf(dictOf(item), depthLeft)))
}

function itemOf(item: PlistDict | undefined, depthLeft: number): HomeScreenItem {
  const name = textOf(item?.displayName)
  if (item?.listType === 'folder' && depthLeft > 0) {
    return { kind: 'folder', name, pages: pagesOf(item.iconLists, depthLeft - 1) }
  }
  const bundleId = textOf(item?.bundleIdentifier) ?? textOf(item?.displayIdentifier)
  return bundleId === undefined ? { kind: 'other' } : { kind: 'app', bundleId, name }
}
