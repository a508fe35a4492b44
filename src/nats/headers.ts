import { headers as emptyHeaders, type Msg, type MsgHdrs } from '@nats-io/nats-core'
import type { MessageHeaders } from '../bus/bus.ts'

const none: MessageHeaders = {}
const name = /^[!-9;-~]+$/
const value = /^[\t -~]*$/

/** The first value of each header of a received message. */
export function readHeaders(message: Msg): MessageHeaders {
  const received = message.headers
  if (received === undefined) return none
  return Object.fromEntries(Array.from(received, ([key, values]) => [key, values[0] ?? '']))
}

/** Headers as the client sends them. What a header cannot hold (line ends, other than ASCII) is left out, never sent. */
export function writeHeaders(headers: MessageHeaders | undefined): MsgHdrs | undefined {
  let written: MsgHdrs | undefined
  for (const key in headers) {
    const text = headers[key] ?? ''
    if (!name.test(key) || !value.test(text)) continue
    written ??= emptyHeaders()
    written.append(key, text)
  }
  return written
}
