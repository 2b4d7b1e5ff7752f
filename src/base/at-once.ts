/**
 * Does the work for every item, at most `limit` at one time; items are taken as there is room for them. Waits for all work
 * that began, so that nothing goes on behind the caller's back; after a failure nothing more begins, and the first one is thrown.
 */
export async function forEachAtOnce<Item>(
  limit: number,
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = Iterator.from(items)
  const failures: unknown[] = []
  const worker = async () => {
    try {
      for (const item of queue) {
        if (failures.length > 0) return
        await work(item)
      }
    } catch (error) {
      failures.push(error)
    }
  }
  await Promise.all(Array.from({ length: limit }, worker))
  if (failures.length > 0) throw failures[0]
}
