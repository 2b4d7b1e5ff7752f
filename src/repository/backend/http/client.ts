import type { Clock } from '../../../base/clock.ts'
import { badAddress, storageUnreachable, untrustedServer } from './errors.ts'
import { exchange, type HttpReply, type HttpRequest, NoReply } from './exchange.ts'
import { persist, TryAgain } from './persist.ts'
import { Turns } from './turns.ts'

/** How a server is spoken to. */
export interface HttpClientOptions {
  readonly clock: Clock
  /** Told in a sentence when the server does not answer and is asked again and again. */
  readonly onTrouble?: ((sentence: string) => void) | undefined
}

/** As many as restic has; more gain nothing on a slow line, and a bucket's owner may be asked to slow down. */
const CONNECTIONS_MAX = 5

/** Speaks to one server: few connections, patience with what passes, and clear words for what does not. */
export class HttpClient {
  readonly #location: string
  readonly #clock: Clock
  readonly #onTrouble: (sentence: string) => void
  readonly #turns = new Turns(CONNECTIONS_MAX)

  /** `location` is for messages, without secrets. */
  constructor(location: string, { clock, onTrouble = () => {} }: HttpClientOptions) {
    this.#location = location
    this.#clock = clock
    this.#onTrouble = onTrouble
  }

  /** Asks once. Throws `TryAgain` where no answer came, and an error with words where none will come. */
  async ask(
    request: HttpRequest,
    { replyBytesMax, signal }: { replyBytesMax: number; signal: AbortSignal },
  ): Promise<HttpReply> {
    using _turn = await this.#turns.take({ signal })
    try {
      return await exchange(request, { clock: this.#clock, replyBytesMax, signal })
    } catch (error) {
      if (!(error instanceof NoReply)) throw error
      if (DISTRUST.test(error.code)) throw untrustedServer(this.#location, error)
      if (NO_TLS.test(error.code)) throw badAddress(this.#location, 'what answers there does not speak TLS', error)
      throw new TryAgain(error.message, { cause: error })
    }
  }

  /** Repeats work that throws `TryAgain`; when it goes on for a quarter of an hour, throws `repo.unreachable`. */
  async persist<Result>(attempt: () => Promise<Result>, { signal }: { signal: AbortSignal }): Promise<Result> {
    const onTrouble = ({ message }: TryAgain) => this.#onTrouble(`${this.#location}: ${message}; trying again`)
    try {
      return await persist(attempt, { clock: this.#clock, onTrouble, signal })
    } catch (error) {
      throw error instanceof TryAgain ? storageUnreachable(this.#location, error) : error
    }
  }
}

/** What Node calls a certificate that it does not trust. */
const DISTRUST = /CERT|UNABLE_TO_VERIFY|SELF_SIGNED/
const NO_TLS = /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/
