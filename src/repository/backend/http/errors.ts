import { AppError } from '../../../base/errors.ts'

/** What can be wrong with a store that is a server; each has a paragraph in docs/errors.md. */
export type ServerErrorCode =
  | 'repo.unreachable'
  | 'repo.access-denied'
  | 'repo.append-only'
  | 'repo.bad-address'
  | 'repo.untrusted-server'
  | 'repo.clock-wrong'
  | 'repo.no-space'
  | 'repo.storage-failed'

type ServerError = AppError<ServerErrorCode>

/** No good answer for as long as it was reasonable to ask; `cause` is what happened last. */
export function storageUnreachable(location: string, cause: Error): ServerError {
  return new AppError(
    'repo.unreachable',
    `${location} gave no good answer for a quarter of an hour: ${cause.message}`,
    {
      remedy: 'Check the network, the address and the server, then start again; what was stored is kept',
      cause,
    },
  )
}

/** The login or the key is wrong, or may not do this. */
export function accessDenied(location: string, saw: string): ServerError {
  return new AppError('repo.access-denied', `${location} ${saw}`, {
    remedy:
      'Check the access key or the login, and what it may do: list, read and write everywhere, and remove what is in locks',
  })
}

/** The store keeps what it has, against everybody who has only this key. */
export function appendOnly(location: string): ServerError {
  return new AppError('repo.append-only', `${location} removes and replaces nothing`, {
    remedy:
      'That protects the backups, and backing up needs no more; to remove old ones use a key or a server that may delete',
  })
}

/** The address leads to something else than a store. */
export function badAddress(location: string, saw: string, cause?: unknown): ServerError {
  return new AppError('repo.bad-address', `${location}: ${saw}`, {
    remedy:
      'Write s3:https://HOST/BUCKET/PREFIX or rest:https://HOST:PORT/PATH/; http:// only where the server has no certificate',
    cause,
  })
}

/** Its certificate does not prove that it is the server. */
export function untrustedServer(location: string, cause: Error): ServerError {
  return new AppError('repo.untrusted-server', `${location} has a certificate that is not trusted: ${cause.message}`, {
    remedy:
      'Check the address and the clock of this machine; if the server has a certificate of your own, name its authority in NODE_EXTRA_CA_CERTS',
    cause,
  })
}

/** Signed requests are good for some minutes only. */
export function clockWrong(location: string, serverDate: string | null): ServerError {
  const told = serverDate === null ? '' : `; there it is ${serverDate}`
  return new AppError('repo.clock-wrong', `${location} says that the clock of this machine is wrong${told}`, {
    remedy: 'Set the clock, best by the network (timedatectl set-ntp true), then start again',
  })
}

/** A full disk or a quota at the other end. */
export function serverFull(location: string): ServerError {
  return new AppError('repo.no-space', `${location} has no room left`, {
    remedy: 'Free some room there or raise the quota, then start again; what was stored is kept',
  })
}

/** An answer that means nothing here. */
export function serverRefused(location: string, saw: string): ServerError {
  return new AppError('repo.storage-failed', `${location} ${saw}`, {
    remedy: 'Look into the log of that server, then start again; what was stored is kept',
  })
}
