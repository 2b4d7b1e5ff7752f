/** Something to say, apart from the language it is said in. */
export interface Message {
  /** Of the catalogue: `evidence.cloud-last`. */
  readonly key: string
  readonly values?: Readonly<Record<string, MessageValue>>
}

/** A value in a text, told in the way of the reader's language. */
export type MessageValue =
  | string
  | number
  /** A day and a time, in the zone of the reader. */
  | { readonly dateMs: number }
  | { readonly dayMs: number }
  /** A length of time, told roughly: "3 weeks". */
  | { readonly spanMs: number }
  | { readonly bytes: number }
  /** Another text of the catalogue. */
  | { readonly message: Message }
  | { readonly list: readonly MessageValue[] }
  /** A name of a person, phone or organisation: reports leave it out. */
  | { readonly private: string }
