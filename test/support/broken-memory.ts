/** Scripts that reach for memory which is not theirs, by flaws of the interpreter; none of them may be there to be used. */

const long = '{ length: 2 ** 29, get 0() { return 1 }, get 9999() { throw new Error("far enough") } }'

/** Each ends as SCRIPT_ERROR. */
export const memoryBreakers: readonly (readonly [name: string, code: string])[] = [
  ['waiting on shared memory', 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'],
  [
    'shared memory that grows over all that there is',
    'const b = new SharedArrayBuffer(1, { maxByteLength: 4e6 }); b.grow(4e6); new Uint8Array(b).filter((it) => it !== 0).length',
  ],
  [
    'shared memory beyond every limit',
    'const b = new SharedArrayBuffer(8, { maxByteLength: 1e9 }); b.grow(1e9); b.byteLength',
  ],
  [
    'an array over memory that shrinks while it is copied',
    'const b = new ArrayBuffer(4096, { maxByteLength: 4096 }); new Int32Array(b).with(0, { valueOf: () => b.resize(16) })',
  ],
  [
    'an array over memory that shrinks while it is sorted',
    'const b = new ArrayBuffer(4096, { maxByteLength: 4096 }); new Uint8Array(b).sort(() => b.resize(8))',
  ],
  ['memory that is taken away', 'const b = new ArrayBuffer(4096); b.slice({ valueOf: () => b.transfer(8) })'],
  ['more keys than a number can count', `Object.keys(new Proxy({}, { ownKeys: () => (${long}) }))`],
  ['more keys, spread', `({ ...new Proxy({}, { ownKeys: () => (${long}) }) })`],
  [
    'a proxy whose handler is a proxy, with more keys',
    `Object.keys(new Proxy({}, new Proxy({}, { get: (_, key) => key === 'ownKeys' ? () => (${long}) : undefined })))`,
  ],
  ['an array that is too long, turned round', `Array.prototype.toReversed.call(${long})`],
  ['an array that is too long, sorted', `Array.prototype.toSorted.call(${long})`],
  ['an array that is too long, spliced', `Array.prototype.toSpliced.call(${long}, 0, 0)`],
  ['an array that is too long, changed', 'const a = [1]; a.length = 2 ** 29; a.with(0, 1)'],
  [
    'an iterator that ends itself',
    'let it = Iterator.concat({ [Symbol.iterator]() { it.return(); return [].values() } }); it.next()',
  ],
  ['objects that are told of their end', 'new FinalizationRegistry(() => 1).register({}, 1)'],
]
