/** Addresses, many of them near the edges of special blocks, and the ways to write one in a URL. */
import fc from 'fast-check'

const edges = [
  0x00000000, 0x0a000000, 0x0a010000, 0x64400000, 0x7f000000, 0xa83f8110, 0xa9fe0000, 0xac100000, 0xc0000000,
  0xc0000009, 0xc0000200, 0xc0586300, 0xc0a80000, 0xc6120000, 0xc6336400, 0xcb007100, 0xe0000000, 0xf0000000,
  0xffffffff,
]

const number32 = fc.oneof(
  fc.nat(0xffffffff),
  fc.tuple(fc.constantFrom(...edges), fc.integer({ min: -300, max: 300 })).map(([edge, by]) => (edge + by) >>> 0),
)

/** IPv4 in the plain spelling. */
export const ipv4 = number32.map((number) => octets(number).join('.'))

const group = fc.oneof(fc.constant(0), fc.constant(0), fc.nat(0xffff))
const starts = [
  [],
  [0, 0, 0, 0, 0, 0xffff],
  [0, 0, 0, 0, 0, 0],
  [0x64, 0xff9b, 0, 0, 0, 0],
  [0x64, 0xff9b, 1],
  [0x100],
  [0x2001, 0],
  [0x2001, 1, 0, 0, 0, 0, 0],
  [0x2001, 2],
  [0x2001, 3],
  [0x2001, 4, 0x112],
  [0x2001, 0x20],
  [0x2001, 0xdb8],
  [0x2001],
  [0x2002],
  [0x2606, 0x4700],
  [0x2620, 0x4f, 0x8000],
  [0x3fff],
  [0x5f00],
  [0xfc00],
  [0xfd00, 1],
  [0xfe80],
  [0xfec0],
  [0xff02],
]

/** IPv6 in the plain spelling: RFC 5952's, hex throughout. */
export const ipv6 = fc
  .tuple(fc.constantFrom(...starts), fc.array(group, { minLength: 8, maxLength: 8 }))
  .map(([start, rest]) =>
    [...start, ...rest]
      .slice(0, 8)
      .map((value) => value.toString(16))
      .join(':'),
  )
  .map((text) => new URL(`http://[${text}]`).hostname.slice(1, -1))

/** Hosts of URLs that mean the address, which is given plainly. */
export function spellings(plain: string): fc.Arbitrary<string> {
  return plain.includes(':') ? ipv6Spellings(plain) : ipv4Spellings(plain)
}

const radixes = [
  (value: number) => String(value),
  (value: number) => `0x${value.toString(16)}`,
  (value: number) => `0X00${value.toString(16).toUpperCase()}`,
  (value: number) => `0${value.toString(8)}`,
  (value: number) => `000${value.toString(8)}`,
]
const alphabets: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.replace(/[\d.]/g, (character) => String.fromCodePoint((character.codePointAt(0) ?? 0) + 0xfee0)),
  (text) => text.replace(/\d/g, (digit) => String.fromCodePoint(0x1d7ce + Number(digit))),
  (text) => text.replaceAll('.', '\u3002'),
  (text) => text.replace(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`),
  (text) => text.replace(/.$/, '\u00ad$&'),
]

function ipv4Spellings(plain: string): fc.Arbitrary<string> {
  const number = plain.split('.').reduce((value, octet) => value * 256 + Number(octet), 0)
  return fc
    .tuple(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom(...radixes), { minLength: 4, maxLength: 4 }),
      fc.constantFrom(...alphabets),
      fc.constantFrom('', '.'),
    )
    .map(([count, writers, alphabet, end]) => {
      const last = number % 256 ** (5 - count)
      const numbers = [...octets(number).slice(0, count - 1), last]
      return alphabet(numbers.map((value, index) => (writers[index] ?? String)(value)).join('.') + end)
    })
}

function ipv6Spellings(plain: string): fc.Arbitrary<string> {
  const all = allGroups(plain)
  const dotted = octets(Number.parseInt(all[6] ?? '', 16) * 65_536 + Number.parseInt(all[7] ?? '', 16)).join('.')
  return fc.constantFrom(
    `[${plain.toUpperCase()}]`,
    `[${all.join(':')}]`,
    `[${all.map((text) => text.padStart(4, '0')).join(':')}]`,
    `[${[...all.slice(0, 6), dotted].join(':')}]`,
  )
}

/** All eight, as `::` stands for them. */
function allGroups(plain: string): readonly string[] {
  const [head = [], tail = []] = plain.split('::').map((side) => side.split(':').filter((text) => text !== ''))
  return [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
}

function octets(number: number): readonly number[] {
  return [number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255]
}
