/** The ways in which a secret may stand in a text. Pure. */

/**
 * The value itself, in base64 (at any place in what was encoded), in hex, percent-encoded, and as the usual writers of
 * JSON and HTML have it. Those that are the same count once, so that a value of letters and digits has few.
 */
export function secretForms(value: string): ReadonlySet<string> {
  const wellFormed = value.toWellFormed()
  return new Set([
    value,
    ...base64Forms(wellFormed),
    ...hexForms(wellFormed),
    ...percentForms(wellFormed),
    ...jsonForms(value),
    ...htmlForms(value),
  ])
}

/** The same forms, each also as it stands in the text of a JSON string. */
export function writtenForms(value: string): ReadonlySet<string> {
  return new Set([...secretForms(value)].flatMap((form) => [form, jsonEscaped(form)]))
}

/**
 * Base64 writes three bytes as four characters, so a value looks different by where it stands: whole, and inside of
 * something longer in three ways, of which the characters count that hold nothing but the value.
 */
function base64Forms(value: string): readonly string[] {
  const bytes = Buffer.from(value)
  const whole = bytes.toString('base64')
  const inside = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
  })
  return [whole, whole.replace(/=+$/, ''), ...inside].flatMap((form) => [
    form,
    form.replaceAll('+', '-').replaceAll('/', '_'),
  ])
}

function hexForms(value: string): readonly string[] {
  const hex = Buffer.from(value).toString('hex')
  return [hex, hex.toUpperCase()]
}

function percentForms(value: string): readonly string[] {
  const component = encodeURIComponent(value)
  const strict = component.replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)
  const forms = [component, strict, encodeURI(value), new URLSearchParams([['', value]]).toString().slice(1)]
  return forms.flatMap((form) => [
    form,
    form.replaceAll(/%[0-9a-f]{2}/gi, (code) => code.toUpperCase()),
    form.replaceAll(/%[0-9a-f]{2}/gi, (code) => code.toLowerCase()),
  ])
}

const none = /(?!)/
const beyondAscii = /[^\0-\x7f]/

/** What each kind of writer escapes as `\u0000`, beyond what all must escape, and whether it puts backslashes before slashes. */
const jsonWriters: readonly { readonly coded: RegExp; readonly slashes: boolean }[] = [
  // JavaScript; some others.
  { coded: none, slashes: false },
  { coded: none, slashes: true },
  // Python; PHP.
  { coded: beyondAscii, slashes: false },
  { coded: beyondAscii, slashes: true },
  // Go, Ruby on Rails; Gson.
  { coded: /[<>&\u2028\u2029]/, slashes: false },
  { coded: /[<>&'=\u2028\u2029]/, slashes: false },
  // PHP when it writes for HTML; .NET.
  { coded: /[<>&'"]|[^\0-\x7f]/, slashes: true },
  { coded: /[<>&'"+`\x7f]|[^\0-\x7f]/, slashes: false },
]

const jsonSpecial = /["'\\/<>&=+`\p{Cc}]|[^\0-\x7f]/gu

function jsonForms(value: string): readonly string[] {
  return jsonWriters.flatMap(({ coded, slashes }) =>
    [false, true].map((inCapitals) =>
      value.replaceAll(jsonSpecial, (character) => {
        if (coded.test(character)) return unicodeEscapes(character, inCapitals)
        return character === '/' && slashes ? '\\/' : jsonEscaped(character)
      }),
    ),
  )
}

function unicodeEscapes(character: string, inCapitals: boolean): string {
  return Array.from({ length: character.length }, (_, at) => {
    const code = character.charCodeAt(at).toString(16).padStart(4, '0')
    return `\\u${inCapitals ? code.toUpperCase() : code}`
  }).join('')
}

function jsonEscaped(value: string): string {
  return JSON.stringify(value).slice(1, -1)
}

const named = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** What the usual writers of HTML and XML put for these characters. */
const htmlWriters: readonly Readonly<Record<string, string>>[] = [
  named,
  { ...named, '"': '&quot;' },
  { ...named, '"': '&quot;', "'": '&#39;' },
  { ...named, '"': '&quot;', "'": '&#039;' },
  { ...named, '"': '&quot;', "'": '&#x27;' },
  { ...named, '"': '&quot;', "'": '&apos;' },
  { ...named, '"': '&#34;', "'": '&#39;' },
  { ...named, '"': '&quot;', "'": '&#39;', '/': '&#x2F;', '`': '&#x60;', '=': '&#x3D;' },
  { ...named, '"': '&quot;', "'": '&#x27;', '/': '&#x2F;' },
  { '&': '&#38;', '<': '&#60;', '>': '&#62;', '"': '&#34;', "'": '&#39;' },
  { '&': '&#x26;', '<': '&#x3c;', '>': '&#x3e;', '"': '&#x22;', "'": '&#x27;' },
  { '&': '&#x26;', '<': '&#x3C;', '>': '&#x3E;', '"': '&#x22;', "'": '&#x27;' },
]

function htmlForms(value: string): readonly string[] {
  return htmlWriters.map((written) => value.replaceAll(/[&<>"'/`=]/g, (character) => written[character] ?? character))
}
