/** Names of people, as they are compared. */

/** How long a name may be, in characters. */
export const longestName = 200

/** What nobody sees, or what only changes how the rest is shown; the blank of Braille looks like any other blank. */
const unseen = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u2800]/gu

/**
 * What two spellings of one name have in common: blanks, Unicode forms, case, width, and what cannot be seen do not tell
 * people apart. Empty for what is no name. Letters of other scripts that look alike do: approvers are to be listed.
 */
export function personKey(name: string): string {
  const plain = name.normalize('NFKC').replace(unseen, '').toLowerCase().normalize('NFKC')
  return plain.replace(/\s+/gu, ' ').trim()
}

/** Whether a text can name a person: it shows something, and hides nothing. */
export function isName(text: string): boolean {
  return personKey(text) !== '' && text.search(unseen) < 0
}

/** Whether two names mean one person. */
export function isSamePerson(one: string, other: string): boolean {
  return personKey(one) === personKey(other)
}

/** The names, each person once, in the spelling that came first. */
export function distinctPeople(names: readonly string[]): string[] {
  const byKey = new Map<string, string>()
  for (const name of names) if (!byKey.has(personKey(name))) byKey.set(personKey(name), name.trim())
  return [...byKey.values()]
}
