/** The text as the driver takes the literal part of a tagged template: with a `raw` that is not enumerable. */
export function literal(text: string): TemplateStringsArray {
  // What defineProperty adds is not in its type.
  return Object.defineProperty([text], 'raw', { value: [text] }) as unknown as TemplateStringsArray
}
