import type { AppError } from '../base/errors.ts'

/** Makes the error for a mistake; `where` is its place, like `faults[2].afterBytes`. */
export type Complain = (where: string, saw: string) => AppError

/**
 * A JSON object of somebody else's, read field by field. Every method throws the `Complain` for a field that is missing or of
 * another kind; `end` does so for fields that nobody asked for.
 */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>
  readonly #place: string
  readonly #complain: Complain
  readonly #read = new Set<string>()

  /** Throws when the value is no object. `place` is empty at the top. */
  constructor(value: unknown, { place, complain }: { place: string; complain: Complain }) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw complain(place || 'the top', `expected an object, got ${show(value)}`)
    this.#values = new Map(Object.entries(value))
    this.#place = place
    this.#complain = complain
  }

  /** `faults[2].afterBytes` */
  placeOf(name: string): string {
    return this.#place === '' ? name : `${this.#place}.${name}`
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  text(name: string, { lengthMax }: { lengthMax: number }): string {
    const value = this.#take(name)
    if (typeof value === 'string' && value.length <= lengthMax) return value
    throw this.#wrong(name, `a text of at most ${lengthMax} characters`)
  }

  boolean(name: string): boolean {
    const value = this.#take(name)
    if (typeof value === 'boolean') return value
    throw this.#wrong(name, 'true or false')
  }

  whole(name: string, { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {}): number {
    const value = this.#take(name)
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    throw this.#wrong(name, `a whole number from ${min} to ${max}`)
  }

  oneOf<const Text extends string>(name: string, texts: readonly Text[]): Text {
    const value = this.#take(name)
    const known = texts.find((text) => text === value)
    if (known !== undefined) return known
    throw this.#wrong(name, `one of ${texts.join(', ')}`)
  }

  list(name: string, { countMax }: { countMax: number }): readonly Fields[] {
    const value = this.#take(name)
    if (!Array.isArray(value) || value.length > countMax) throw this.#wrong(name, `a list of at most ${countMax}`)
    return value.map((item: unknown, index) => this.#inside(item, `${this.placeOf(name)}[${index}]`))
  }

  #inside(value: unknown, place: string): Fields {
    return new Fields(value, { place, complain: this.#complain })
  }

  /** The field as read by `read`, for spreading; nothing when it is not there. */
  optional<const Name extends string, Value>(name: Name, read: (name: Name) => Value): { [Key in Name]?: Value } {
    if (!this.has(name)) return {}
    const field: { [Key in Name]?: Value } = {}
    field[name] = read(name)
    return field
  }

  /** Nothing may be left. */
  end(): void {
    const unknown = [...this.#values.keys()].find((name) => !this.#read.has(name))
    if (unknown !== undefined) throw this.#complain(this.placeOf(unknown), 'there is no such field here')
  }

  #take(name: string): unknown {
    this.#read.add(name)
    return this.#values.get(name)
  }

  #wrong(name: string, expected: string): AppError {
    return this.#complain(this.placeOf(name), `expected ${expected}, got ${show(this.#values.get(name))}`)
  }
}

/** The fields of a JSON text. Throws the `Complain` for one that is no JSON, or no object. */
export function parseJsonFields(text: string, complain: Complain): Fields {
  return new Fields(parseJson(text, complain), { place: '', complain })
}

function parseJson(text: string, complain: Complain): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw complain('the top', `it is no JSON (${error instanceof Error ? error.message : String(error)})`)
  }
}

const SHOWN_MAX = 60

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  try {
    const text = JSON.stringify(value)
    return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text
  } catch {
    return 'something nested too deep'
  }
}
