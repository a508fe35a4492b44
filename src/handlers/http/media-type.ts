/** What a content type says of a body. */

/** `unknown`: the type says too little, so the bytes have to tell. */
type Kind = 'json' | 'text' | 'bytes' | 'unknown'

const json = /^(application|text)\/(x-)?json$|\+json$/
const text =
  /^text\/|^application\/((x-)?(xml|javascript|ecmascript|yaml|ndjson|jsonl|www-form-urlencoded)|json-seq|graphql|toml|sql)$|\+(xml|yaml|json-seq)$/
const bytes =
  /^(image|audio|video|font|model)\/|^application\/((x-)?(tar|gzip|bzip2?|xz|zstd|rar|7z-compressed|protobuf|msgpack|java-archive)|pdf|zip|wasm|cbor|vnd\.(google\.protobuf|msgpack|rar|ms-excel|ms-powerpoint))$|\+(zip|gzip|zstd|cbor|protobuf)$|^application\/vnd\.openxmlformats-/

const utf8 = new TextDecoder()

/** What a body is by its type; by the first where several were joined. */
export function kindOf(headers: Headers): Kind {
  const type = /^[^;,]*/.exec(contentType(headers))?.[0].trim().toLowerCase() ?? ''
  if (json.test(type)) return 'json'
  if (text.test(type)) return 'text'
  return bytes.test(type) ? 'bytes' : 'unknown'
}

/** UTF-8 unless the content type names another encoding that is known. */
export function decoderFor(headers: Headers): TextDecoder {
  const charset = /;\s*charset\s*=\s*"?([^\s",;]+)/i.exec(contentType(headers))?.[1]
  if (charset === undefined || /^utf-?8$/i.test(charset)) return utf8
  try {
    // The types of Bun know fewer encodings than Bun does.
    return new TextDecoder(charset as 'utf-8')
  } catch {
    return utf8
  }
}

/** Whether text in it is read as UTF-8. */
export function isUtf8(headers: Headers): boolean {
  return decoderFor(headers) === utf8
}

function contentType(headers: Headers): string {
  return headers.get('content-type') ?? ''
}
