import { Secret } from '../../../base/secret.ts'
import { arrayOf, boolOf, dictOf, type PlistDict, textOf } from '../../../plist/index.ts'

/** A Restore request, with what a phone takes for granted filled in. Source: docs/protocol/mobilebackup2.md#restore-options */
export interface RestoreRequest {
  /** The host's folder that is restored from. */
  readonly source: string
  /** Of the backup, if it is encrypted. */
  readonly password: Secret | undefined
  /** Only the data of these apps; undefined: of everything. */
  readonly apps: readonly string[] | undefined
  /** Counts only for a backup that does not tell which class of device it came from. */
  readonly systemFiles: boolean
  /** The phone keeps its name. */
  readonly preservesSettings: boolean
  /** What the phone has and the backup has not is gone afterwards. */
  readonly removesOthers: boolean
  /** The host copies the phone's own backup first. */
  readonly copiesBackup: boolean
  readonly reboots: boolean
}

/** Undefined without a SourceIdentifier: a phone does not answer that. */
export function parseRestoreRequest(request: PlistDict): RestoreRequest | undefined {
  const source = textOf(request.SourceIdentifier)
  if (source === undefined) return undefined
  const options = dictOf(request.Options) ?? {}
  const flag = (name: string, otherwise: boolean) => boolOf(options[name]) ?? otherwise
  const password = textOf(options.Password)
  return {
    source,
    password: password === undefined ? undefined : new Secret(password),
    apps: arrayOf(request.ApplicationIDs)?.flatMap((id) => textOf(id) ?? []),
    systemFiles: flag('RestoreSystemFiles', true),
    preservesSettings: flag('RestorePreserveSettings', false),
    removesOthers: flag('RemoveItemsNotRestored', true),
    copiesBackup: !flag('RestoreDontCopyBackup', false),
    reboots: flag('RestoreShouldReboot', true),
  }
}
