import { describe, expect, test } from 'bun:test'
import { Sandbox } from '../../../src/services/scripts/sandbox.ts'
import { limits, runIn } from './run-script.ts'

const sandbox = await Sandbox.load(limits)

function logsOf(code: string): readonly string[] {
  const { answer } = runIn(sandbox, `${code}; 1`)
  if (answer.kind !== 'value') throw new Error(answer.details)
  // A sandbox writes it so.
  return (JSON.parse(answer.json) as { readonly logs: readonly string[] }).logs
}

const room = 65_536
const lengthsOf = (logs: readonly string[]) => logs.map(({ length }) => length)

describe('logs are kept up to their limits', () => {
  test('in characters', () => {
    const logs = logsOf(`for (let i = 0; i < 10; i++) console.log('x'.repeat(10000))`)
    expect(lengthsOf(logs)).toEqual([10_000, 10_000, 10_000, 10_000, 10_000, 10_000, room - 60_006])
  })

  test('in lines', () => {
    expect(logsOf('for (let i = 0; i < 3000; i++) console.log(i)')).toHaveLength(1000)
  })

  test('also when what is logged logs', () => {
    const talking = '{ toJSON() { console.log("x".repeat(65536)); return "y" } }'
    expect(lengthsOf(logsOf(`console.log(${talking}, 'z'.repeat(3e6))`))).toEqual([room])
    const deep = '{ toJSON() { if (n++ < 300) console.log(it); return n } }'
    const code = `let n = 0; const it = ${deep}; for (let i = 0; i < 999; i++) console.log(''); console.log(it)`
    expect(logsOf(code)).toHaveLength(1000)
  })

  test('also when each character is written as six', () => {
    const logs = logsOf(`console.log('\\u0001'.repeat(2.5e6))`)
    expect(logs).toEqual(['\u0001'.repeat(room)])
    expect(lengthsOf(logsOf(`for (let i = 0; i < 999; i++) console.log('\\u0001'.repeat(64))`))).toHaveLength(999)
  })
})
