import { damaged } from '../errors.ts'
import { type Id, parseId } from './id.ts'

/** Reads JSON that came from outside. `what` names the file in the error. Throws `repo.damaged`. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw damaged(what, 'it is not JSON', cause)
  }
}

/** True for JSON objects, and for lists. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** One JSON object from outside, field by field; every answer is checked, and a wrong one is `repo.damaged`. */
export interface Fields {
  text(name: string): string
  /** A whole number, 0 <= n <= 2^53. */
  count(name: string): number
  id(name: string): Id
  list(name: string): readonly unknown[]
  /** Undefined when the field is absent or null. */
  optional<Value>(name: string, read: (fields: Fields) => Value): Value | undefined
  /** The list's items, each of which must be a text. */
  texts(name: string): readonly string[]
  object(name: string): Fields
  /** The field as it is, unchecked; null when absent. */
  raw(name: string): unknown
}

/** The fields of a value that must be an object; `what` names it in errors. Throws `repo.damaged`. */
export function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(what, 'not a JSON object')
  const object: Readonly<Record<string, unknown>> = Object.assign(Object.create(null), value)
  const wrong = (name: string): never => {
    throw damaged(what, `the field ${JSON.stringify(name)} is missing or wrong`)
  }
  const fields: Fields = {
    raw: (name) => object[name] ?? null,
    text: (name) => {
      const text = object[name]
      return typeof text === 'string' ? text : wrong(name)
    },
    count: (name) => {
      const count = object[name]
      return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : wrong(name)
    },
    id: (name) => parseId(object[name]) ?? wrong(name),
    list: (name) => {
      const list = object[name]
      return Array.isArray(list) ? list : wrong(name)
    },
    optional: (name, read) => ((object[name] ?? null) === null ? undefined : read(fields)),
    texts: (name) => fields.list(name).map((item) => (typeof item === 'string' ? item : wrong(name))),
    object: (name) => fieldsOf(object[name], `${what}, field ${name}`),
  }
  return fields
}
