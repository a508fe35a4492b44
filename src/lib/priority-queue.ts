/** A binary heap: hands out the item that comes `before` all others. Items that compare equal come out in no fixed order. */
export class PriorityQueue<T> implements Iterable<T> {
  readonly #before: (a: T, b: T) => boolean
  readonly #items: T[] = []

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    this.#items.push(item)
    this.#rise(this.#items.length - 1, item)
  }

  pop(): T | undefined {
    const first = this.#items[0]
    const last = this.#items.pop()
    if (last !== undefined && this.#items.length > 0) this.#sink(0, last)
    return first
  }

  /** Takes one item out of the middle, in linear time; false when it is not in here. */
  remove(item: T): boolean {
    const index = this.#items.indexOf(item)
    if (index < 0) return false
    const last = this.#items.pop()
    if (last !== undefined && index < this.#items.length) {
      this.#sink(index, last)
      if (this.#items[index] === last) this.#rise(index, last)
    }
    return true
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]()
  }

  #rise(from: number, item: T): void {
    let index = from
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = this.#items[parentIndex]
      if (parent === undefined || !this.#before(item, parent)) break
      this.#items[index] = parent
      index = parentIndex
    }
    this.#items[index] = item
  }

  #sink(from: number, item: T): void {
    let index = from
    for (;;) {
      const left = 2 * index + 1
      const leftItem = this.#items[left]
      if (leftItem === undefined) break
      const rightItem = this.#items[left + 1]
      const rightIsFirst = rightItem !== undefined && this.#before(rightItem, leftItem)
      const child = rightIsFirst ? rightItem : leftItem
      if (!this.#before(child, item)) break
      this.#items[index] = child
      index = rightIsFirst ? left + 1 : left
    }
    this.#items[index] = item
  }
}
