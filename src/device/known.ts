/** The values that are known, without the keys of those that are not: what a phone did not tell is not there. */
export function known<Shape extends object>(
  values: {
    readonly [Key in keyof Shape]-?: Shape[Key] | undefined
  },
): Shape {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Shape
}
