import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { historyIn, hopHeaders, passedOnHeaders, wasAccepted } from '../../src/bus/relay.ts'

const anyHeaders = fc.dictionary(
  fc.oneof(
    fc.string(),
    fc.constantFrom('Beamline-Hop', 'Beamline-Accepted', 'Beamline-Attempts', 'Nats-Msg-Id', 'nats-x'),
  ),
  fc.oneof(fc.string(), fc.constantFrom('0', '1', '3', '-1', '1e3', '99999')),
)

test('an assignment hops three times at most, whatever its headers say', () => {
  fc.assert(
    fc.property(anyHeaders, fc.boolean(), (headers, accepted) => {
      let hops = 0
      for (let next = hopHeaders(headers, { accepted }); next !== undefined; next = hopHeaders(next, { accepted }))
        hops += 1
      expect(hops).toBeLessThanOrEqual(3)
    }),
  )
  expect(hopHeaders({}, {})).toEqual({ 'Beamline-Hop': '1' })
  expect(hopHeaders({ 'Beamline-Hop': '3' }, {})).toBeUndefined()
})

test('what is passed on keeps the caller’s headers, except those a server would act upon', () => {
  fc.assert(
    fc.property(anyHeaders, (headers) => {
      const passed = passedOnHeaders(headers, {})
      for (const [name, value] of Object.entries(headers)) {
        if (name.startsWith('Beamline-')) continue
        expect(passed[name]).toBe(/^nats-/i.test(name) ? undefined : value)
      }
    }),
  )
})

test('attempts are never forgotten, and an ack once sent stays sent', () => {
  const first = passedOnHeaders({}, { attempts: 2, accepted: true })
  const second = passedOnHeaders(first, {})
  expect(historyIn(second)).toEqual({ giveBacks: 0, attempts: 2 })
  expect(wasAccepted(second)).toBe(true)
  expect(historyIn(passedOnHeaders(second, { attempts: 3 })).attempts).toBe(3)
  expect(historyIn({ 'Beamline-Attempts': 'many' }).attempts).toBe(0)
  // No job may ask for more tries than that: a caller cannot make one end before its first.
  expect(historyIn({ 'Beamline-Attempts': '9999' }).attempts).toBe(100)
  expect(wasAccepted({})).toBe(false)
})
