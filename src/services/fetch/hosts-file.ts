/** The hosts file, line by line: c-ares would add to a name's addresses those of other lines that share one with it. */
import { readFileSync } from 'node:fs'

/** Addresses by name, in lower case, in the order in which they stand in the file. */
export type Hosts = ReadonlyMap<string, readonly string[]>

/** The names in the text of a hosts file (hosts(5)). */
export function parseHosts(text: string): Hosts {
  const hosts = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    for (const name of names.map((each) => each.toLowerCase())) hosts.set(name, [...(hosts.get(name) ?? []), address])
  }
  return hosts
}

/** The system's hosts file as it is now; empty where there is none. Read at once, for the threads that read files may be busy. */
export function readHosts(path = '/etc/hosts'): Hosts {
  try {
    return parseHosts(readFileSync(path, 'utf8'))
  } catch {
    return new Map()
  }
}
