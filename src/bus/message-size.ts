import type { Message, MessageHeaders } from './bus.ts'

/** What a message counts against `maxPayload`, in bytes: headers as they are on the wire, and body. */
export function messageSize(message: Message): number {
  return message.body.byteLength + headerSize(message.headers)
}

/** NATS/1.0, a line for each header, an empty line; headers are ASCII. */
function headerSize(headers: MessageHeaders | undefined): number {
  let size = 0
  for (const name in headers) size += name.length + (headers[name]?.length ?? 0) + 4
  return size === 0 ? 0 : size + 12
}
