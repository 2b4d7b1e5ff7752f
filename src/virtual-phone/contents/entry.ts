/** Where something is on the phone: a backup domain and the path below its root ('' is the root). Names are kept as they are. */
export interface Place {
  readonly domain: string
  readonly relativePath: string
}

/** One file, folder or symbolic link of the phone, as its `stat` would tell. Times are whole seconds since 1970 UTC. */
export interface Entry extends Place, Traits {
  readonly inode: number
  readonly modifiedS: number
  readonly changedS: number
  readonly bornS: number
  /** Bytes; 0 for folders and links. */
  readonly size: number
  /** Only for links: where they point, usually to nowhere. */
  readonly target?: string
}

/** What many entries have in common, so that they can share one object. */
export interface Traits {
  readonly kind: 'file' | 'folder' | 'link'
  /** The whole `st_mode`, with the type in its upper bits. */
  readonly mode: number
  readonly userId: number
  readonly groupId: number
  /** 1 to 4 for files (see NSFileProtection), 0 for the others. */
  readonly protectionClass: number
  readonly flags: number
}

/** An installed app, as installation_proxy tells of it. */
export interface PhoneApp {
  readonly bundleId: string
  readonly name: string
  readonly version: string
  readonly category: 'User' | 'System'
  /** Size of the app itself; it is not part of a backup. */
  readonly staticBytes: number
  /** Size of its documents now. */
  readonly dynamicBytes: number
}

/** What a backup folder tells about the phone that it came from, as far as it does. */
export interface PhoneIdentity {
  readonly udid?: string
  readonly deviceName?: string
  readonly productType?: string
  readonly productVersion?: string
  readonly buildVersion?: string
  readonly serialNumber?: string
}

/** The type bits of `st_mode`. */
export const MODE_TYPE = { file: 0o100000, folder: 0o040000, link: 0o120000 } as const

/** An ordinary file of the user `mobile`. */
export const PLAIN_FILE: Traits = {
  kind: 'file',
  mode: MODE_TYPE.file | 0o644,
  userId: 501,
  groupId: 501,
  protectionClass: 3,
  flags: 0,
}

export const PLAIN_FOLDER: Traits = {
  kind: 'folder',
  mode: MODE_TYPE.folder | 0o755,
  userId: 501,
  groupId: 501,
  protectionClass: 0,
  flags: 0,
}

export const PLAIN_LINK: Traits = { ...PLAIN_FOLDER, kind: 'link', mode: MODE_TYPE.link | 0o755 }
