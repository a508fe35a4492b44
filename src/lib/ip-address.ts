/** IP addresses as numbers, so that one address is one value however it was written. */

/** An address; 32 bits are IPv4, 128 are IPv6. An IPv4-mapped address is IPv6 and never equal to the IPv4 one inside. */
export interface IpAddress {
  readonly bits: 32 | 128
  readonly value: bigint
}

/** All addresses with one prefix. */
export interface IpNetwork {
  readonly bits: 32 | 128
  /** How many leading bits they share. */
  readonly prefix: number
  readonly first: bigint
  readonly last: bigint
}

const dottedDecimal = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/
const ipv6Group = /^[0-9a-f]{1,4}$/i

/** Reads four decimal numbers without leading zeros, or IPv6 without brackets and zone; undefined for all else. */
export function parseAddress(text: string): IpAddress | undefined {
  const bits = text.includes(':') ? 128 : 32
  const value = bits === 128 ? ipv6Value(text) : ipv4Value(text)
  return value === undefined ? undefined : { bits, value }
}

/** Writes it as URLs do: IPv6 in RFC 5952's short form, IPv4-mapped ones in hex too, without brackets. */
export function formatAddress({ bits, value }: IpAddress): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = value.toString(16).padStart(32, '0').match(/.{4}/g) ?? []
  const text = groups.map((group) => group.replace(/^0{1,3}/, '')).join(':')
  const zeros = longestZeros(text)
  if (zeros === undefined) return text
  const before = text.slice(0, zeros.index).replace(/:$/, '')
  const after = text.slice(zeros.index + zeros[0].length).replace(/^:/, '')
  return `${before}::${after}`
}

/**
 * Reads `10.0.0.0/8`, `fd00::/8`, or a single address. Undefined when it is neither, or when the address is not the
 * first of the range: `10.0.0.1/8` is more likely a slip than ten million addresses.
 */
export function parseNetwork(text: string): IpNetwork | undefined {
  const [addressText = '', prefixText, ...more] = text.split('/')
  const address = parseAddress(addressText)
  if (address === undefined || more.length > 0) return undefined
  const { bits, value } = address
  if (prefixText !== undefined && !/^(0|[1-9]\d{0,2})$/.test(prefixText)) return undefined
  const prefix = prefixText === undefined ? bits : Number(prefixText)
  if (prefix > bits) return undefined
  const size = 1n << BigInt(bits - prefix)
  return value % size === 0n ? { bits, prefix, first: value, last: value + size - 1n } : undefined
}

/** Whether the address lies in the network; never across the families, IPv4-mapped forms included. */
export function contains(network: IpNetwork, { bits, value }: IpAddress): boolean {
  return bits === network.bits && value >= network.first && value <= network.last
}

function ipv4Value(text: string): bigint | undefined {
  const numbers = dottedDecimal.exec(text)?.slice(1).map(Number)
  if (numbers === undefined || numbers.some((number) => number > 255)) return undefined
  return BigInt(numbers.reduce((value, number) => value * 256 + number, 0))
}

function ipv6Value(text: string): bigint | undefined {
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const before = groupsOf(head, tail === undefined)
  const after = tail === undefined ? [] : groupsOf(tail, true)
  if (before === undefined || after === undefined) return undefined
  const missing = 8 - before.length - after.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = [...before, ...Array<number>(missing).fill(0), ...after]
  return BigInt(`0x${groups.map((group) => group.toString(16).padStart(4, '0')).join('')}`)
}

/** The groups of one side of `::`; the last one may be an IPv4 address, which makes two, where the text ends there. */
function groupsOf(text: string, isEnd: boolean): readonly number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    const embedded = isEnd && index === parts.length - 1 ? ipv4Value(part) : undefined
    if (embedded !== undefined) groups.push(Number(embedded >> 16n), Number(embedded & 0xffffn))
    else if (ipv6Group.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** The longest run of two or more zero groups, the first one of equals. */
function longestZeros(text: string): RegExpExecArray | undefined {
  let longest: RegExpExecArray | undefined
  for (const run of text.matchAll(/\b0(?::0)+\b/g)) {
    if (longest === undefined || run[0].length > longest[0].length) longest = run
  }
  return longest
}
