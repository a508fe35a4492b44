/** The ways in which a secret may stand in a text. Pure. */

/** The value itself, in base64 (at any place in what was encoded), percent-encoded, and as JSON writes it. */
export function secretForms(value: string): ReadonlySet<string> {
  const wellFormed = value.toWellFormed()
  return new Set([value, ...base64Forms(wellFormed), ...percentForms(wellFormed), ...jsonForms(value)])
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

/** Some writers put a backslash before every slash. */
function jsonForms(value: string): readonly string[] {
  const escaped = jsonEscaped(value)
  return [escaped, escaped.replaceAll('/', '\\/')]
}

function jsonEscaped(value: string): string {
  return JSON.stringify(value).slice(1, -1)
}
