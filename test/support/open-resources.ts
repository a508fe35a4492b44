/** What test support has opened and not yet closed: the leak guard asks after each file. */
const open = new Map<symbol, { readonly name: string; readonly reclaim: () => void }>()

/**
 * Notes that something is open that must not outlive its test. `reclaim` ends it by force; the returned function says
 * that it has been closed.
 */
export function opened(name: string, reclaim: () => void): () => void {
  const key = Symbol(name)
  open.set(key, { name, reclaim })
  return () => {
    open.delete(key)
  }
}

/** Ends by force whatever is still open, and names it. */
export function reclaimOpen(): readonly string[] {
  const left = [...open.values()]
  open.clear()
  for (const { reclaim } of left) reclaim()
  return left.map(({ name }) => name)
}
