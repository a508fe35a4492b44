import { describe, expect, test } from 'bun:test'
import { Sandbox } from '../../../src/services/scripts/sandbox.ts'
import { limits, runIn } from './run-script.ts'

const memoryOf = (sandbox: Sandbox): Buffer => Buffer.from(sandbox.quickJs.memory.buffer)

/** A sandbox, and its whole memory when it is ready for a script. */
async function open(): Promise<{ readonly sandbox: Sandbox; readonly fresh: Buffer }> {
  const sandbox = await Sandbox.load(limits)
  sandbox.reset()
  return { sandbox, fresh: Buffer.copyBytesFrom(memoryOf(sandbox)) }
}

function expectFresh(sandbox: Sandbox, fresh: Buffer): void {
  const memory = memoryOf(sandbox)
  expect(Buffer.compare(memory.subarray(0, fresh.length), fresh)).toBe(0)
  expect(memory.subarray(fresh.length).every((byte) => byte === 0)).toBe(true)
}

const patterns = {
  latin: Buffer.from('TenantsSecret', 'latin1'),
  wide: Buffer.from('TenantsSecret', 'utf16le'),
  bytes: Buffer.alloc(16, 0xa7),
  double: Buffer.from(new Float64Array([-3.141592653589793e200]).buffer),
  digits: Buffer.from(new BigUint64Array([0xfeedfacecafebeefn, 0xfeedfacecafebeefn]).buffer),
} as const

/** Leaves the patterns in each kind of memory that a script can have. */
const everywhere = `
  const text = 'TenantsSecret', wide = text + '\\u0416'
  const kept = [], keep = (it) => (kept.push(it), it)
  for (let i = 0; i < 200; i++) keep(text + i), keep(wide + i), keep({ [text + i]: i }), keep(Symbol(text + i))
  keep(new Uint8Array(3e5).fill(0xa7)), keep(new Float64Array(3e4).fill(-3.141592653589793e200))
  keep(new Uint8Array(100).fill(0xa7).slice()), keep(new ArrayBuffer(64)), keep(new Array(5000).fill(-3.141592653589793e200))
  keep(BigInt('0x' + 'feedfacecafebeef'.repeat(40))), keep(new Map([[text, wide]])), keep(new Set([text])), keep(new Date())
  keep(new RegExp('(' + text + ')+(?<' + text + '>x?)')), keep(/(TenantsSecret)+/.exec(text.repeat(50)))
  const deep = (n, a, b) => (n > 0 ? deep(n - 1, a + 1, b) : new Error(b).stack)
  keep(deep(700, 1.5, text)), keep(eval('(' + JSON.stringify({ [text]: [text, wide] }) + ')')), keep(new Function('return "' + text + '"'))
  function* made() { yield text } keep([...made()]), keep(text.repeat(1000).replaceAll('T', wide).split('S').sort())
  for (let i = 0; i < 100; i++) { const a = { text: text + i }; a.a = a }
  console.log(text, wide, { text }), await Promise.resolve(text)
  kept.length = 100
  x + text`

const endings: Readonly<Record<string, string>> = {
  'that succeeds': everywhere,
  'that throws': `${everywhere}; throw new TypeError(text)`,
  'whose output cannot be written': `${everywhere}; ({ [text]: [NaN] })`,
  'that never settles': `${everywhere}; new Promise(() => {})`,
  'that is no JavaScript': `${everywhere}; let = = 'TenantsSecret'`,
  'without a bottom': `${everywhere}; (function f(s) { f(s + 1) })(text)`,
  'that takes much memory': `${everywhere}; const l = []; for (let i = 0; i < 1e5; i++) l.push([text + i]); l.length`,
}

describe('nothing is left', () => {
  test('of what a script put everywhere, which is there before', async () => {
    const { sandbox, fresh } = await open()
    expect(runIn(sandbox, everywhere, { x: 'TenantsSecret' }).answer.kind).toBe('value')
    for (const pattern of Object.values(patterns)) expect(memoryOf(sandbox).includes(pattern)).toBe(true)
    sandbox.reset()
    for (const pattern of Object.values(patterns)) expect(memoryOf(sandbox).includes(pattern)).toBe(false)
    expectFresh(sandbox, fresh)
  })

  test.each(Object.entries(endings))('of a script %s', async (_name, code) => {
    const { sandbox, fresh } = await open()
    runIn(sandbox, code, { x: 'TenantsSecret' })
    sandbox.reset()
    expectFresh(sandbox, fresh)
  })

  test('of what was written by no one who owns it', async () => {
    const { sandbox, fresh } = await open()
    for (const garbage of [0xff, 0xaa, 0x01]) {
      memoryOf(sandbox).fill(garbage)
      sandbox.reset()
      expectFresh(sandbox, fresh)
    }
  })

  test('when memory has grown, which is put back until making another is less work', async () => {
    const { sandbox, fresh } = await open()
    expect(runIn(sandbox, 'new Uint8Array(15e6).fill(7).length').isSpent).toBe(false)
    expect(memoryOf(sandbox).length).toBeGreaterThan(15e6)
    sandbox.reset()
    expectFresh(sandbox, fresh)
    let runs = 0
    while (!runIn(sandbox, '1').isSpent) runs++
    expect(runs).toBeGreaterThan(10)
    expect(runs).toBeLessThan(1e9 / 15e6)
  })
})
