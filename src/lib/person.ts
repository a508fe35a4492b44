/** Names of people, as they are compared. */

/** How long a name may be, in characters. */
export const longestName = 200

/** What two spellings of one name have in common: blanks around it, Unicode forms and case do not tell people apart. */
export function personKey(name: string): string {
  return name.trim().normalize('NFC').toLowerCase()
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
