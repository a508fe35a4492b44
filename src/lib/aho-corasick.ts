/** Where any of many texts stands in another, in time that grows with that one's length alone. */
import { append, type GrowingSpan, type Span } from './spans.ts'

const root = 0

/**
 * The automaton of Aho and Corasick: a tree of all beginnings of needles, and for each the longest beginning that it
 * ends with. It takes some 30 bytes and 100 ns for each character of the needles, and none of them may be empty.
 */
export class AhoCorasick {
  /** Where each code unit leads from the root. */
  readonly #fromRoot = new Int32Array(2 ** 16)
  /** Of each node: the code unit that leads to it, one of its children or 0, the node to go on from where none fits. */
  readonly #label: Uint16Array
  readonly #child: Int32Array
  readonly #fallback: Int32Array
  /** How long the longest needle is that ends here; 0: none does. */
  readonly #found: Int32Array
  /** All other children, found by their parent and label: no more than there are needles. */
  readonly #parent: Int32Array
  readonly #others: Int32Array

  constructor(needles: readonly string[]) {
    const most = needles.reduce((sum, { length }) => sum + length, 1)
    this.#label = new Uint16Array(most)
    this.#child = new Int32Array(most)
    this.#fallback = new Int32Array(most)
    this.#found = new Int32Array(most)
    this.#parent = new Int32Array(most)
    this.#others = new Int32Array(2 ** Math.ceil(Math.log2(2 * needles.length + 2)))
    let nodes = 1
    for (const needle of needles) nodes = this.#plant(needle, nodes)
    this.#link(nodes)
  }

  /** All places of needles, those that overlap put together. */
  places(text: string): readonly Span[] {
    const spans: GrowingSpan[] = []
    const found = this.#found
    let node = root
    for (let at = 0; at < text.length; at++) {
      node = this.#follow(node, text.charCodeAt(at))
      const length = found[node] ?? 0
      if (length > 0) append(spans, at + 1 - length, at + 1)
    }
    return spans
  }

  /** The number of nodes with this needle among them. */
  #plant(needle: string, before: number): number {
    let nodes = before
    let node = root
    for (let at = 0; at < needle.length; at++) {
      const code = needle.charCodeAt(at)
      const next = this.#next(node, code)
      if (next === root) this.#adopt(node, code, nodes)
      node = next === root ? nodes++ : next
    }
    this.#found[node] = needle.length
    return nodes
  }

  #adopt(parent: number, code: number, child: number): void {
    this.#label[child] = code
    this.#parent[child] = parent
    if (parent === root) this.#fromRoot[code] = child
    else if (this.#child[parent] === root) this.#child[parent] = child
    else {
      let slot = this.#slot(parent, code)
      while (this.#others[slot] !== root) slot = (slot + 1) & (this.#others.length - 1)
      this.#others[slot] = child
    }
  }

  /** Fallbacks, by depth: each is that of the parent, one step on. */
  #link(nodes: number): void {
    const inOrder = this.#byDepth(nodes)
    for (const node of inOrder) {
      const parent = this.#parent[node] ?? root
      const code = this.#label[node] ?? 0
      const fallback = parent === root ? root : this.#follow(this.#fallback[parent] ?? root, code)
      this.#fallback[node] = fallback
      // A needle that ends here is longer than any that begins later.
      if (this.#found[node] === 0) this.#found[node] = this.#found[fallback] ?? 0
    }
  }

  /** All nodes but the root. Parents have lower numbers than their children, so depths can be counted on the way. */
  #byDepth(nodes: number): Int32Array {
    const depth = new Int32Array(nodes)
    const ends = new Int32Array(nodes + 1)
    for (let node = 1; node < nodes; node++) {
      const own = (depth[this.#parent[node] ?? root] ?? 0) + 1
      depth[node] = own
      ends[own] = (ends[own] ?? 0) + 1
    }
    for (let own = 1; own <= nodes; own++) ends[own] = (ends[own] ?? 0) + (ends[own - 1] ?? 0)
    const inOrder = new Int32Array(nodes - 1)
    for (let node = nodes - 1; node > 0; node--) {
      const own = depth[node] ?? 0
      const place = (ends[own] ?? 0) - 1
      ends[own] = place
      inOrder[place] = node
    }
    return inOrder
  }

  #follow(from: number, code: number): number {
    let node = from
    for (;;) {
      const next = this.#next(node, code)
      if (next !== root || node === root) return next
      node = this.#fallback[node] ?? root
    }
  }

  /** The child by this code unit; the root: there is none. */
  #next(node: number, code: number): number {
    if (node === root) return this.#fromRoot[code] ?? root
    const child = this.#child[node] ?? root
    if (child === root || this.#label[child] === code) return child
    let slot = this.#slot(node, code)
    for (;;) {
      const other = this.#others[slot] ?? root
      if (other === root || (this.#parent[other] === node && this.#label[other] === code)) return other
      slot = (slot + 1) & (this.#others.length - 1)
    }
  }

  #slot(node: number, code: number): number {
    return (Math.imul(Math.imul(node, 0x9e3779b1) ^ code, 0x85ebca6b) >>> 8) & (this.#others.length - 1)
  }
}
