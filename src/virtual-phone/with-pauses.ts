import { setImmediate } from 'node:timers/promises'

const ITEMS_MAX = 1_000

/**
 * The items, with a pause after every thousand: a long loop over something in memory, or read without waiting, otherwise keeps
 * everything else in this process waiting, an abort included.
 */
export async function* withPauses<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  let count = 0
  for (const item of items) {
    yield item
    if (++count % ITEMS_MAX === 0) await setImmediate()
  }
}
