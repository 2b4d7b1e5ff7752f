import { Secret } from '../../../base/secret.ts'
import { badAddress } from '../http/errors.ts'

/** Who logs in to a REST server, by HTTP's basic authentication. */
export interface RestLogin {
  readonly username: string
  readonly password: Secret
}

/** Where on a REST server a repository lies. */
export interface RestAddress {
  /** Ends in a slash, and has no login in it. */
  readonly url: string
  /** The login that stood in the address. */
  readonly login: RestLogin | undefined
}

/** What follows `rest:` as restic writes it: a URL. Throws `repo.bad-address`, without repeating what may be a secret. */
export function parseRestAddress(text: string): RestAddress {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) throw badAddress('rest:', 'that is no address of a web server')
  const place = `${url.origin}${url.pathname.replace(/\/*$/, '/')}`
  if (url.search !== '' || url.hash !== '') throw badAddress(`rest:${place}`, 'an address has no ? and no #')
  return { url: place, login: loginOf(url, place) }
}

function loginOf({ username, password }: URL, place: string): RestLogin | undefined {
  if (username === '' && password === '') return undefined
  try {
    return { username: decodeURIComponent(username), password: new Secret(decodeURIComponent(password)) }
  } catch {
    throw badAddress(`rest:${place}`, 'the login in it has a stray %')
  }
}

/** For messages. */
export function restLocation({ url }: RestAddress): string {
  return `rest:${url}`
}
