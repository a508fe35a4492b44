import { createSocket } from 'node:dgram'

/** The addresses of a name, of both families; undefined: the name does not exist; `never`: nobody answers. */
export type Zone = (name: string) => readonly Uint8Array[] | 'never' | undefined

const recordType = { 4: 1, 16: 28 } as const

/** Answers queries on port 53 of 127.0.0.1, for a process that has a network of its own. */
export async function startNameServer(zone: Zone): Promise<AsyncDisposable> {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const answer = answered(query, zone)
    if (answer !== undefined) socket.send(answer, port, address)
  })
  await new Promise<void>((resolve) => socket.bind(53, '127.0.0.1', resolve))
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())) }
}

/** By RFC 1035: the header, the question as it came, and a record for each address of the type that is asked for. */
function answered(query: Buffer, zone: Zone): Buffer | undefined {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const found = zone(labels.join('.').toLowerCase())
  if (found === 'never') return undefined
  const type = query.readUInt16BE(at + 1)
  const records = (found ?? [])
    .filter(({ length }) => type === (length === 4 ? recordType[4] : recordType[16]))
    .map((bytes) => Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 1, 0, bytes.length]), bytes]))
  const counts = [query.readUInt16BE(0), found === undefined ? 0x8183 : 0x8180, 1, records.length, 0, 0]
  const header = Buffer.alloc(12)
  for (const [index, count] of counts.entries()) header.writeUInt16BE(count, index * 2)
  return Buffer.concat([header, query.subarray(12, at + 5), ...records])
}
