import { randomBytes } from '../../base/random.ts'
import { damaged, unsupported } from '../errors.ts'
import { type Id, parseId } from './id.ts'
import { fieldsOf, parseJson } from './json.ts'
import { degree, isIrreducible, POLYNOMIAL_DEGREE, type Polynomial, randomPolynomial } from './polynomial.ts'

/** What a repository says about itself; written once and never changed. */
export interface RepositoryConfig {
  readonly id: Id
  readonly polynomial: Polynomial
}

/** The config of a new repository. */
export function randomConfig(): RepositoryConfig {
  return { id: Buffer.from(randomBytes(32)).toString('hex') as Id, polynomial: randomPolynomial() }
}

/** Source: docs/protocol/restic-repository.md#config. */
export function encodeConfig({ id, polynomial }: RepositoryConfig): string {
  return JSON.stringify({ version: 2, id, chunker_polynomial: polynomial.toString(16) })
}

/** Throws `repo.damaged`, and `repo.unsupported` for formats other than 2. */
export function decodeConfig(text: string, what: string): RepositoryConfig {
  const fields = fieldsOf(parseJson(text, what), what)
  const version = fields.count('version')
  if (version !== 2) throw unsupported(`The repository has format ${version}`)
  const id = parseId(fields.raw('id'))
  const digits = fields.text('chunker_polynomial')
  if (id === undefined || !/^[0-9a-f]{1,16}$/.test(digits)) throw damaged(what, 'its id or polynomial is malformed')
  const polynomial = BigInt(`0x${digits}`)
  if (degree(polynomial) !== POLYNOMIAL_DEGREE || !isIrreducible(polynomial))
    throw damaged(what, 'its polynomial is not irreducible')
  return { id, polynomial }
}
