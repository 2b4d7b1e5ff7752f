/** Who wants to be told of something. Listeners are called in order, at once; they must not throw. */
export class Listeners<News> {
  readonly #listeners = new Set<(news: News) => void>()

  /** The returned function ends it. */
  add(listener: (news: News) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(news: News): void {
    for (const listener of this.#listeners) listener(news)
  }
}
