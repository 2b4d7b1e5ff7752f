/** Where on a link something happens. Bytes and messages are those of the service's own protocol, inside TLS. */
export interface OnLink {
  /** The name that StartService knows it under; `LOCKDOWN` for lockdownd, whose talk before and in TLS count apart. */
  readonly service: string
  /** Whose bytes are counted; `phone` unless given. */
  readonly from?: Side
  /** After so many bytes of a connection; 0 unless given. */
  readonly afterBytes?: number
  /** Before this message of a connection, counted from 1. A message is a u32 big-endian length and that many bytes. */
  readonly atMessage?: number
}

export type Side = 'phone' | 'host'

/** In place of a service's name. */
export const LOCKDOWN = 'com.apple.mobile.lockdown'

interface Counted {
  /** How often it happens; 1 unless given. On a link, at most once a connection. */
  readonly times?: number
}

interface OnFile {
  /** Which file of a backup, counted from 1 and from when the fault was added; 1 unless given. */
  readonly file?: number
}

/** Something that goes wrong on a link. */
export type LinkFault = Counted &
  OnLink &
  (
    | { readonly do: 'cut' }
    /** Nothing moves for that long, on the phone's clock. */
    | { readonly do: 'stall'; readonly ms: number }
    /** From there on, to the end of the connection. */
    | { readonly do: 'slow'; readonly bytesPerSecond: number }
    | { readonly do: 'lock' }
    | { readonly do: 'restart' }
  )

/** Something that goes wrong in the backup engine. */
export type BackupFault = Counted &
  /** The file's bytes are followed by this code, the negated status, and text: the file failed on the phone. */
  (
    | (OnFile & { readonly do: 'end-file'; readonly code: number; readonly text?: string })
    /** Another version of the file comes first, under the same name. */
    | (OnFile & { readonly do: 'send-twice' })
    /** An upload is announced with this size. */
    | { readonly do: 'misreport-size'; readonly bytes: number }
    /** Whatever the host answers, the phone takes this for the free room on its disk. */
    | { readonly do: 'misjudge-room'; readonly freeBytes: number }
    /** Manifest.db has at least this size. */
    | { readonly do: 'large-manifest'; readonly bytes: number }
    /** One of `MISCHIEFS` is told instead of a backup. */
    | { readonly do: 'mischief'; readonly name: string }
  )

export type Fault = LinkFault | BackupFault

export type FaultKind = Fault['do']

export type FaultOf<Kind extends FaultKind> = Extract<Fault, { readonly do: Kind }>
