/**
 * What is taken from the built-ins before anything else runs in a context, as source text. The interpreter has flaws with
 * which a script reads and writes memory that is not its own. Whatever is there is its own or nobody's (sandbox.ts), but a
 * script that breaks its interpreter is not to be had for the asking.
 *
 * - `SharedArrayBuffer`: growing one hands out memory that it does not own. `Atomics` is of no use without it.
 * - Buffers that change their length or are detached: a typed array that is being sorted, copied or filled by a built-in
 *   does not notice.
 * - `FinalizationRegistry` and `Iterator.concat`: they use what has been freed.
 * - What is in no standard: `InternalError`, `Set.groupBy`, where a function stands in its file.
 *
 * Two computations of a size in bytes wrap around at 2 ** 29 elements, so those built-ins are given nothing as long:
 * - the `ownKeys` trap of a proxy, of whose result the interpreter believes the length;
 * - `toReversed`, `toSorted`, `toSpliced` and `with` of arrays, which besides show the garbage collector elements that are
 *   not there yet. They are written anew.
 * The third, the sorting of typed arrays, wraps around at 2 ** 30.
 */
export const hardeningSource = `(() => {
  'use strict'
  const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect
  const { from } = Array
  const { reverse, sort, splice } = Array.prototype
  const { trunc } = Math
  const { bind } = Function.prototype
  const define = (target, name, value) =>
    defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true })
  const remove = (target, names) => {
    for (const name of names)
      if (!deleteProperty(target, name)) throw new TypeError(name + ' cannot be removed')
  }
  remove(globalThis, ['SharedArrayBuffer', 'Atomics', 'FinalizationRegistry', 'InternalError'])
  remove(ArrayBuffer.prototype, ['resize', 'transfer', 'transferToFixedLength', 'resizable', 'maxByteLength', 'detached'])
  remove(Iterator, ['concat'])
  remove(Set, ['groupBy'])
  remove(Function.prototype, ['fileName', 'lineNumber', 'columnNumber'])

  const longest = 2 ** 28
  const tooLong = () => {
    throw new RangeError('invalid array length')
  }
  /** Reads the length once. */
  const copyOf = (source) => {
    const length = +source.length
    if (length > longest) tooLong()
    return apply(from, undefined, [{ __proto__: null, length }, (_, index) => source[index]])
  }

  const anew = {
    toReversed() {
      return apply(reverse, copyOf(this), [])
    },
    toSorted(compare) {
      if (compare !== undefined && typeof compare !== 'function') throw new TypeError('not a function')
      return apply(sort, copyOf(this), [compare])
    },
    toSpliced(start, skipCount) {
      const copy = copyOf(this)
      apply(splice, copy, arguments)
      return copy
    },
    with(index, value) {
      const copy = copyOf(this)
      const asked = trunc(+index) || 0
      const at = asked < 0 ? copy.length + asked : asked
      if (at < 0 || at >= copy.length) throw new RangeError('invalid array index')
      copy[at] = value
      return copy
    },
  }
  for (const name of ownKeys(anew)) define(Array.prototype, name, anew[name])

  const typedArray = getPrototypeOf(Uint8Array.prototype)
  const { get: lengthOf } = getOwnPropertyDescriptor(typedArray, 'length')
  for (const name of ['sort', 'toSorted']) {
    const own = typedArray[name]
    const { [name]: guarded } = {
      [name](compare) {
        if (apply(lengthOf, this, []) > longest) tooLong()
        return apply(own, this, [compare])
      },
    }
    define(typedArray, name, guarded)
  }

  const OwnProxy = Proxy
  const { revocable } = Proxy
  const isObject = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function'
  /** A handler that does what the one in its \`handler\` says. */
  const traps = { __proto__: null }
  for (const name of ownKeys(Reflect)) {
    const usual = Reflect[name]
    if (typeof usual !== 'function') continue
    traps[name] = function (...args) {
      const trap = this.handler[name]
      return trap === undefined || trap === null ? apply(usual, undefined, args) : apply(trap, this.handler, args)
    }
  }
  const allKeys = traps.ownKeys
  traps.ownKeys = function (target) {
    const keys = apply(allKeys, this, [target])
    if (!isObject(keys)) throw new TypeError('not an object')
    return copyOf(keys)
  }
  const guard = (handler) => (isObject(handler) ? { __proto__: traps, handler } : handler)
  // Bound, for it is a constructor and has no prototype, like the built-in.
  const Guarded = apply(bind, function (target, handler) {
    if (new.target === undefined) throw new TypeError('must be called with new')
    return new OwnProxy(target, guard(handler))
  }, [undefined])
  define(Guarded, 'revocable', { revocable: (target, handler) => apply(revocable, OwnProxy, [target, guard(handler)]) }.revocable)
  defineProperty(Guarded, 'name', { value: 'Proxy' })
  define(globalThis, 'Proxy', Guarded)
})()`
