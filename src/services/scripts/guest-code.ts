/**
 * What runs inside the interpreter beside the script, as source text.
 *
 * The first part runs where the script does, before it, and takes what it needs of the built-ins at once. The others run
 * in a context of their own, whose built-ins no script has ever seen; of them a script sees only that its getters, traps
 * and `toJSON` are called.
 */

/**
 * Evaluates to three functions:
 * - `begin(text, names, seed, keepsLogs)` makes the arguments in `text` global, those of `names` as variables, and gives
 *   `Math.random` four 32-bit numbers to begin with, each of the three being JSON text. Chance is sfc32: the interpreter's
 *   own begins alike whenever it begins in the same millisecond.
 * - `valueIn(box)` takes the value of a script out of what the script evaluated to: a promise for what `await` would wait for.
 * - `logs()` is the list of the lines that were logged, as JSON text.
 */
export const besideSource = `(() => {
  'use strict'
  const self = globalThis
  const { parse, stringify } = JSON
  const { apply, defineProperty } = Reflect
  const { slice } = String.prototype
  const { Promise } = self
  const { resolve } = Promise
  const tagOf = Object.prototype.toString
  const define = (name, value, enumerable) =>
    defineProperty(self, name, { value, writable: true, enumerable, configurable: true })

  const mostLines = 1000
  let keepsLogs = false
  let room = 65536
  let count = 0
  let lines = ''
  const show = (value) => {
    if (typeof value === 'string') return value
    if (typeof value === 'function') return 'a function'
    if (typeof value === 'symbol') return 'a symbol'
    if (typeof value !== 'object' || value === null) return '' + value
    try {
      return apply(tagOf, value, []) === '[object Error]' ? value.name + ': ' + value.message : '' + stringify(value)
    } catch {
      return 'an object'
    }
  }
  const log = (...items) => {
    if (!keepsLogs || count >= mostLines || room <= 0) return
    let line = ''
    for (let i = 0; i < items.length; i++) line += (i === 0 ? '' : ' ') + show(items[i])
    // Showing them may have logged.
    if (count >= mostLines || room <= 0) return
    if (line.length > room) line = apply(slice, line, [0, room])
    room -= line.length + 1
    lines += (count === 0 ? '' : ',') + stringify(line)
    count++
  }
  define('console', { log, info: log, warn: log, error: log, debug: log }, false)

  let [a, b, c, d] = [0, 0, 0, 0]
  const next = () => {
    const bits = (a + b + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + bits) | 0
    return bits >>> 0
  }
  const random = () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53
  defineProperty(Math, 'random', { value: random, writable: true, enumerable: false, configurable: true })

  return {
    begin(text, names, seed, keeps) {
      keepsLogs = keeps
      ;[a, b, c, d] = parse(seed)
      const args = parse(text)
      for (const name of parse(names)) define(name, args[name], true)
      define('args', args, true)
    },
    valueIn({ value }) {
      const mayWait = (typeof value === 'object' && value !== null) || typeof value === 'function'
      return mayWait && typeof value.then === 'function' ? apply(resolve, Promise, [value]) : value
    },
    logs: () => '[' + lines + ']',
  }
})()`

/**
 * A function of a value and the longest JSON text in characters: the value as JSON text, `undefined` as text when JSON
 * has nothing for it, or `!` and a Failure (script-failure.ts) as JSON text.
 */
export const writeSource = `(value, longest) => {
  'use strict'
  const deepest = 1000
  const holders = []
  const path = []
  let size = 0
  let refused
  const refuse = (kind, what, key) => {
    let place = '$'
    for (const part of [...path.slice(1), ...(holders.length > 0 ? [key] : [])])
      if (place.length < 500) place += '.' + String(part).slice(0, 100)
    refused = { kind, what, path: place }
    throw refused
  }
  const unboxed = (value) => {
    if (typeof value !== 'object' || value === null) return value
    try {
      // Only where nothing else can say what it is, is asking cheap.
      const mayLie = Symbol.toStringTag in value
      if (!mayLie && Object.prototype.toString.call(value) !== '[object Number]') return value
    } catch {
      return value
    }
    for (const { prototype } of [Number, BigInt]) {
      try {
        return prototype.valueOf.call(value)
      } catch {}
    }
    return value
  }
  function check(key, given) {
    while (holders.length > 0 && holders[holders.length - 1] !== this) {
      holders.pop()
      path.pop()
    }
    size += typeof given === 'string' ? given.length : 1
    if (size > longest) refuse('output', 'too long', key)
    if (typeof given === 'string' || typeof given === 'boolean') return given
    const value = unboxed(given)
    if (typeof value === 'function') refuse('unwritable', 'a function', key)
    if (typeof value === 'symbol') refuse('unwritable', 'a symbol', key)
    if (typeof value === 'number' && !Number.isFinite(value)) refuse('unwritable', String(value), key)
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) return value
    if (holders.includes(value)) refuse('unwritable', 'a cycle', key)
    if (holders.length >= deepest) refuse('output', 'too deep', key)
    holders.push(value)
    path.push(key)
    return value
  }
  try {
    const json = JSON.stringify(value, check)
    if (json === undefined) return 'undefined'
    if (json.length > longest) refuse('output', 'too long', '')
    return json
  } catch (thrown) {
    if (refused !== undefined && thrown === refused) return '!' + JSON.stringify(refused)
    throw thrown
  }
}`

/** A function of something thrown: `!` and a Failure (script-failure.ts) as JSON text. */
export const describeSource = String.raw`(thrown) => {
  'use strict'
  const read = (key) => {
    try {
      return thrown[key]
    } catch {
      return undefined
    }
  }
  // An error of a class of the script's own is made in that, but thrown elsewhere.
  const makers = () => {
    const names = new Set()
    try {
      for (let each = thrown, left = 20; each !== null && left > 0; each = Object.getPrototypeOf(each), left--)
        names.add(each.constructor.name)
    } catch {}
    return names
  }
  const placeIn = (stack) => {
    const skipped = makers()
    let first = null
    for (const line of stack.slice(0, 10000).split('\n')) {
      const frame = /^ *at (?:(.*) \()?script\.js:(\d{1,9})(?::(\d{1,9}))?\)?$/.exec(line)
      if (frame !== null && !skipped.has(frame[1])) return frame
      first ??= frame
    }
    return first
  }
  const failure = { kind: 'thrown', name: thrown === null ? 'null' : typeof thrown, message: '', isError: false }
  if (typeof thrown === 'object' && thrown !== null) {
    const [name, message, stack] = [read('name'), read('message'), read('stack')]
    failure.isError = Error.isError(thrown)
    if (typeof name === 'string' && name !== '') failure.name = name.slice(0, 100)
    if (typeof message === 'string') failure.message = message.slice(0, 1000)
    else {
      try {
        failure.message = String(JSON.stringify(thrown)).slice(0, 1000)
      } catch {}
    }
    const place = typeof stack === 'string' ? placeIn(stack) : null
    if (place !== null) {
      failure.line = Number(place[2])
      if (place[3] !== undefined) failure.column = Number(place[3])
    }
  } else failure.message = typeof thrown === 'function' ? 'a function' : String(thrown).slice(0, 1000)
  return '!' + JSON.stringify(failure)
}`
