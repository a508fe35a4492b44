/** Where a machine gets its Debian packages from, and how it tells that they are genuine. */
export interface DebianArchive {
  readonly uris: string
  readonly signedBy: string | undefined
}

const aliases = ['stable', 'oldstable', 'testing']

/**
 * The archive that carries the release `codename`, out of the machine's own apt sources (both formats, by file name);
 * undefined when none does.
 */
export function archiveOf(
  files: readonly { readonly name: string; readonly text: string }[],
  codename: string,
): DebianArchive | undefined {
  for (const { name, text } of files) {
    const found = name.endsWith('.sources') ? fromStanzas(text, codename) : fromLines(text, codename)
    if (found !== undefined) return found
  }
  return undefined
}

/** The text of a `.sources` file for another release of the same archive. */
export function sourcesFor(archive: DebianArchive, suite: string): string {
  const signed = archive.signedBy === undefined ? '' : `Signed-By: ${archive.signedBy}\n`
  return `Types: deb\nURIs: ${archive.uris}\nSuites: ${suite}\nComponents: main\n${signed}`
}

function fromStanzas(text: string, codename: string): DebianArchive | undefined {
  for (const stanza of text.replaceAll(/^#.*\n?/gm, '').split(/\n\s*\n/)) {
    // A field's value goes on over the lines that begin with a space: a key can be written out in place.
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1]?.trim()
    const uris = field('URIs')
    const usable = words(field('Types')).includes('deb') && field('Enabled') !== 'no'
    if (uris !== undefined && usable && carries(words(field('Suites')), codename)) {
      return { uris, signedBy: field('Signed-By') }
    }
  }
  return undefined
}

function fromLines(text: string, codename: string): DebianArchive | undefined {
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s/.exec(line)
    const [, options = '', uris = '', suite = ''] = match ?? []
    if (match && carries([suite], codename)) return { uris, signedBy: /signed-by=(\S+)/.exec(options)?.[1] }
  }
  return undefined
}

function carries(suites: readonly string[], codename: string): boolean {
  return [codename, ...aliases].some((name) => suites.includes(name))
}

function words(text: string | undefined): readonly string[] {
  return text?.split(/\s+/) ?? []
}
