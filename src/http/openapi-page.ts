/** The reference as a page: rendered here, no script, nothing from elsewhere. Pure. */
import type { ApiInfo, Operation } from './openapi.ts'

const style = `
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
code,pre{font-family:ui-monospace,monospace;font-size:.875em}pre{background:#f4f4f5;padding:.75rem;overflow:auto;border-radius:.25rem}
article{border-top:1px solid #ddd;padding:.5rem 0}h2{margin-top:2.5rem}h3{margin:.5rem 0}b{display:inline-block;min-width:4.5rem}
small{color:#666}@media(prefers-color-scheme:dark){body{color:#eee;background:#18181b}pre{background:#27272a}small{color:#aaa}article{border-color:#3f3f46}}
`

/** What the page may load: its own style, nothing else. */
export const pagePolicy = `default-src 'none'; style-src 'sha256-${styleHash()}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

/** The page for some operations. */
export function openapiPage(info: ApiInfo, list: readonly Operation[]): string {
  const tags = [...new Set(list.map(({ tag }) => tag))]
  const sections = tags.map((tag) => {
    const articles = list.filter((one) => one.tag === tag).map(article)
    return `<h2>${escaped(tag)}</h2>\n${articles.join('\n')}`
  })
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(info.title)}</title><style>${style}</style></head>
<body><h1>${escaped(info.title)} <small>${escaped(info.version)}</small></h1>
<p>${escaped(info.description)} For programs: <a href="/openapi/json">/openapi/json</a>.</p>
${sections.join('\n')}
</body></html>
`
}

function article(one: Operation): string {
  const parts = [
    `<h3><b>${escaped(one.method)}</b> <code>${escaped(one.path)}</code>${one.open ? '' : ' <small>bearer token</small>'}</h3>`,
    `<p>${escaped(one.summary)} ${escaped(one.description)}</p>`,
    ...one.parameters.map(
      (parameter) =>
        `<p><code>${escaped(parameter.name)}</code> <small>in ${parameter.in}</small> ${json(parameter.schema)}</p>`,
    ),
    ...(one.requestBody ? [`<p>Body</p><pre>${json(one.requestBody, 2)}</pre>`] : []),
    ...Object.entries(one.responses).map(
      ([status, { description, content }]) =>
        `<p><code>${escaped(status)}</code> ${escaped(description)}</p>${
          content ? `<pre>${json(content['application/json'].schema, 2)}</pre>` : ''
        }`,
    ),
  ]
  return `<article>${parts.join('\n')}</article>`
}

function json(value: unknown, indent?: number): string {
  return escaped(JSON.stringify(value, null, indent))
}

function escaped(text: string): string {
  return Bun.escapeHTML(text)
}

function styleHash(): string {
  return new Bun.CryptoHasher('sha256').update(style).digest('base64')
}
