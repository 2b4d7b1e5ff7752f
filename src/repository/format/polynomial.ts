import { randomBytes } from '../../base/random.ts'

/** A polynomial over GF(2): bit n is the coefficient of x^n. */
export type Polynomial = bigint

/** restic's chunker works with polynomials of this degree. */
export const POLYNOMIAL_DEGREE = 53

/** A random irreducible polynomial of degree 53; every repository has its own. About one candidate in 27 is irreducible. */
export function randomPolynomial(): Polynomial {
  for (;;) {
    const bits = BigInt(`0x${Buffer.from(randomBytes(8)).toString('hex')}`)
    const candidate = BigInt.asUintN(POLYNOMIAL_DEGREE, bits) | (1n << BigInt(POLYNOMIAL_DEGREE)) | 1n
    if (isIrreducible(candidate)) return candidate
  }
}

/** The highest power; -1 for zero. */
export function degree(polynomial: Polynomial): number {
  return polynomial === 0n ? -1 : polynomial.toString(2).length - 1
}

/** The remainder of a division. */
export function modulo(dividend: Polynomial, divisor: Polynomial): Polynomial {
  const size = degree(divisor)
  let rest = dividend
  for (let shift = degree(rest) - size; shift >= 0; shift = degree(rest) - size) rest ^= divisor << BigInt(shift)
  return rest
}

/** Ben-Or's test: f of degree n is irreducible if no x^(2^i) - x with i <= n/2 has a common factor with it. */
export function isIrreducible(polynomial: Polynomial): boolean {
  const x = 2n
  let power = x
  for (let i = 1; i <= degree(polynomial) / 2; i++) {
    power = modulo(square(power), polynomial)
    if (degree(greatestCommonDivisor(polynomial, power ^ x)) !== 0) return false
  }
  return degree(polynomial) > 0
}

/** Over GF(2) squaring moves every coefficient from x^n to x^2n. */
function square(polynomial: Polynomial): Polynomial {
  return BigInt(`0b${[...polynomial.toString(2)].join('0')}`)
}

function greatestCommonDivisor(left: Polynomial, right: Polynomial): Polynomial {
  return right === 0n ? left : greatestCommonDivisor(right, modulo(left, right))
}
