/** The JSON text of a value in parts, none of which takes long to write; counted as it is written. */
import { deepestData, isList, isObject, type Json, type JsonObject, membersOf } from './json-value.ts'
import { LimitReached, type Meter } from './meter.ts'
import { blocksOf } from './text-blocks.ts'

/** What is written at once, by the runtime: so many values, of so many characters in all. */
const small = { values: 2000, characters: 65_536 }

/** What is still to be written of a list, an object or a long text: text, then perhaps a value. */
type Rest = Iterator<readonly [text: string, value?: Json], undefined>

/** Throws LimitReached when the text grows too long, or the value is nested too deeply. */
export function* jsonParts(data: Json, meter: Meter): Generator<string, undefined> {
  const gauge = new Gauge(meter)
  const open: Rest[] = [listItself(data)]
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    const next = last.next().value
    if (next === undefined) {
      open.pop()
      continue
    }
    const [text, value] = next
    const depth = open.length - 1
    const isWhole = value === undefined || gauge.isSmall(value, depth)
    if (!isWhole && depth >= deepestData) throw new LimitReached('depth')
    const part = value !== undefined && isWhole ? text + JSON.stringify(value) : text
    meter.step(1 + (part.length >> 3))
    meter.make(part.length)
    yield part
    if (value !== undefined && !isWhole) open.push(restOf(value, meter))
  }
}

/** Finds out whether values are small, at a cost that does not depend on how large they are. */
class Gauge {
  readonly #meter: Meter
  /** Objects of so many members that even to count them takes long: it is done once. */
  readonly #wide = new WeakSet<JsonObject>()
  #values = 0
  #characters = 0

  constructor(meter: Meter) {
    this.#meter = meter
  }

  isSmall(value: Json, depth: number): boolean {
    this.#values = small.values
    this.#characters = small.characters
    const fits = this.#fits(value, depth)
    this.#meter.step(small.values - this.#values)
    return fits
  }

  #fits(value: Json, depth: number): boolean {
    this.#values--
    if (typeof value === 'string') this.#characters -= value.length
    if (this.#values < 0 || this.#characters < 0 || depth > deepestData) return false
    if (isList(value)) return value.every((item) => this.#fits(item ?? null, depth + 1))
    return !isObject(value) || this.#fitsObject(value, depth)
  }

  #fitsObject(object: JsonObject, depth: number): boolean {
    if (this.#wide.has(object)) return false
    const values = Object.values(object)
    if (values.length > small.values) {
      this.#wide.add(object)
      this.#values -= values.length
      return false
    }
    for (const name of Object.keys(object)) this.#characters -= name.length
    return values.every((value) => this.#fits(value ?? null, depth + 1))
  }
}

function* listItself(data: Json): Generator<readonly [string, Json], undefined> {
  yield ['', data]
}

function restOf(value: Json, meter: Meter): Rest {
  if (isList(value)) return itemsOf(value)
  return isObject(value) ? entriesOf(value, meter) : quoted(String(value))
}

function* itemsOf(list: readonly Json[]): Generator<readonly [string, Json?], undefined> {
  yield ['[']
  for (const [index, item] of list.entries()) yield [index === 0 ? '' : ',', item ?? null]
  yield [']']
}

function* entriesOf(object: JsonObject, meter: Meter): Generator<readonly [string, Json?], undefined> {
  const { names, values } = membersOf(object, meter)
  yield ['{']
  for (const [index, name] of names.entries()) {
    if (index > 0) yield [',']
    if (name.length > small.characters) yield* quoted(name)
    else yield [JSON.stringify(name)]
    yield [':', values[index] ?? null]
  }
  yield ['}']
}

function* quoted(text: string): Generator<readonly [string], undefined> {
  yield ['"']
  for (const block of blocksOf(text)) yield [JSON.stringify(block).slice(1, -1)]
  yield ['"']
}
