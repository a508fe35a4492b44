/** How jobs name a blob where something else could stand: `fs:<path>`. */

const scheme = 'fs:'

/** The path that a reference names, unchecked; undefined when it is none. */
export function referencedPath(reference: unknown): string | undefined {
  return typeof reference === 'string' && reference.startsWith(scheme) ? reference.slice(scheme.length) : undefined
}
