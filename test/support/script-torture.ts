/** Scripts that try to get out, to stay for ever, or to take everything; and how each has to end. */
import { memoryBreakers } from './broken-memory.ts'

/** How a script may end: with a code, `MEMORY`, `STACK` and `OUTPUT` being SCRIPT_LIMIT_EXCEEDED with that limit. */
type TortureEnding = 'success' | 'SCRIPT_ERROR' | 'TIMEOUT' | 'MEMORY' | 'STACK' | 'OUTPUT'

/** One of them. */
export interface TortureScript {
  readonly name: string
  readonly code: string
  readonly args?: Readonly<Record<string, unknown>>
  readonly captureLogs?: boolean
  /** Its time limit in milliseconds. */
  readonly limitMs: number
  /** More than one where it depends on the machine which limit is met first. */
  readonly endings: readonly TortureEnding[]
  /** What a success has to give. */
  readonly output?: unknown
}

type Entry = readonly [name: string, code: string, more?: Partial<TortureScript>]

const forEver = 300
/** For what has to meet another limit first, on a slow machine too. */
const enough = 20_000

const endless: readonly Entry[] = [
  ['an endless loop', 'for (;;);'],
  ['an endless loop that catches all', 'for (;;) { try { for (;;); } catch {} finally { continue } }'],
  ['an endless loop in an async function that nobody awaits', 'async function f() { for (;;); } for (;;) f()'],
  ['awaiting for ever', 'for (;;) await null'],
  ['awaiting for ever, catching all', 'for (;;) { try { await (async () => { for (;;); })() } catch {} }'],
  ['promises that follow one another', 'const next = () => Promise.resolve().then(next); next(); 1'],
  ['promises for ever after an error', 'const next = () => Promise.resolve().then(next); next(); throw 1'],
  ['an endless generator', 'function* g() { for (;;) yield 1 } for (const x of g());'],
  ['an endless async generator', 'async function* g() { for (;;) yield 1 } for await (const x of g());'],
  ['an endless iterator, spread', 'Math.max(...{ [Symbol.iterator]: () => ({ next: () => ({ done: false }) }) })'],
  ['a regular expression that never finds', '/(a+)+$/.test("a".repeat(50) + "b")'],
  ['another one', '/^(?:(?:a|a)*)*$/.exec("a".repeat(40) + "!")'],
  ['sorting by chance, for ever', 'const a = Array.from({ length: 1e5 }, (_, i) => i); for (;;) a.sort(() => 1)'],
  ['a native loop over a huge string', 'const s = "x".repeat(2e7); for (;;) s.indexOf("y".repeat(1e4))'],
  ['a native split and sort', 'const s = "ab".repeat(3e6); for (;;) s.lastIndexOf("b" + "a".repeat(9)); '],
  ['a native loop without an end', 'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)'],
  [
    'a native fill without an end',
    'Array.prototype.fill.call({ length: 2 ** 53 - 1 }, 1)',
    { endings: ['TIMEOUT', 'MEMORY'] },
  ],
  ['a huge power', '(2n ** 60000n) ** 60000n', { endings: ['TIMEOUT', 'MEMORY', 'SCRIPT_ERROR'] }],
  ['huge numbers multiplied', 'let n = 3n; for (;;) n = n * n', { endings: ['TIMEOUT', 'MEMORY', 'SCRIPT_ERROR'] }],
  ['a huge number as text', 'const n = 7n ** 200000n; for (;;) String(n)'],
  ['an endless proxy', 'const p = new Proxy({}, { ownKeys() { for (;;); } }); Object.keys(p)'],
  ['a getter on globalThis', 'Object.defineProperty(globalThis, "x", { get() { for (;;); } }); x'],
  ['an error whose message never comes', 'throw { get message() { for (;;); } }'],
  ['an error behind an endless proxy', 'throw new Proxy(new Error("x"), { get() { for (;;); } })'],
  ['toJSON without an end', '({ toJSON() { for (;;); } })'],
  ['a getter without an end in the output', '({ get x() { for (;;); } })'],
  ['a log line without an end', 'console.log({ toJSON() { for (;;); } })', { captureLogs: true }],
  ['then without an end', 'Promise.prototype.then = () => { for (;;); }; for (;;) await 1'],
  ['eval for ever', 'for (;;) eval("1")'],
  ['functions made for ever', 'for (let i = 0; ; i++) new Function("return " + i)()'],
  [
    'a value that never comes',
    'Object.defineProperty(Object.prototype, "value", { get() { for (;;); }, set() {} }); 1',
  ],
  ['prototypes in a long chain', 'let o = {}; for (let i = 0; i < 3e5; i++) o = { __proto__: o }; o.x'],
]

const large: readonly Entry[] = [
  ['arrays', 'const a = []; for (;;) a.push(new Array(1000).fill(1.5))', { endings: ['MEMORY'] }],
  ['objects', 'let o = null; for (;;) o = { o }', { endings: ['MEMORY'] }],
  ['one huge array', 'new Array(2 ** 31).fill(0)', { endings: ['MEMORY'] }],
  ['a typed array', 'new Float64Array(2 ** 27)', { endings: ['MEMORY'] }],
  ['buffers', 'const a = []; for (;;) a.push(new ArrayBuffer(1e6))', { endings: ['MEMORY'] }],
  ['strings', 'const a = []; for (let i = 0; ; i++) a.push(String(i).repeat(1e4))', { endings: ['MEMORY'] }],
  ['a string that doubles', 'let s = "x"; for (;;) s += s', { endings: ['MEMORY', 'SCRIPT_ERROR'] }],
  ['a padded string', '"x".padStart(5e8)', { endings: ['MEMORY', 'SCRIPT_ERROR'] }],
  ['a joined array', 'new Array(1e7).join("xxxxxxxxxxxxxxxx")', { endings: ['MEMORY', 'SCRIPT_ERROR'] }],
  [
    'replacing',
    '"a".repeat(1e5).replaceAll("a", "b".repeat(1e5))',
    { limitMs: 1000, endings: ['MEMORY', 'TIMEOUT', 'SCRIPT_ERROR'] },
  ],
  ['maps', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, [i])', { endings: ['MEMORY'] }],
  ['closures', 'let f = () => 1; for (;;) { const g = f; f = () => g }', { endings: ['MEMORY'] }],
  ['promises', 'const a = []; for (;;) a.push(Promise.resolve().then(() => 1))', { endings: ['MEMORY'] }],
  [
    'promises that double',
    'const f = () => { Promise.resolve().then(f); Promise.resolve().then(f) }; f(); 1',
    { limitMs: 1000, endings: ['MEMORY', 'TIMEOUT'] },
  ],
  ['symbols', 'const a = []; for (let i = 0; ; i++) a.push(Symbol(String(i)))', { endings: ['MEMORY'] }],
  ['JSON that is long', 'JSON.parse("[" + "[],".repeat(3e6) + "[]]")', { endings: ['MEMORY'] }],
  [
    'memory, caught again and again',
    'let a = []; for (;;) { try { for (;;) a.push([1, 2, 3]) } catch {} }',
    { limitMs: 1000, endings: ['TIMEOUT'] },
  ],
  [
    'memory, then an answer',
    'const a = []; try { for (;;) a.push(new Array(1e4).fill(1)) } catch {} "x".repeat(9e5)',
    { endings: ['MEMORY', 'success'] },
  ],
  ['an output that is long', '"x".repeat(1e7)', { endings: ['OUTPUT', 'MEMORY'] }],
  [
    'an output of ten megabytes in parts',
    'Array.from({ length: 1000 }, () => "x".repeat(1e4))',
    { endings: ['OUTPUT'] },
  ],
  [
    'an output that shares its parts',
    'let a = ["x".repeat(100)]; for (let i = 0; i < 30; i++) a = [a, a]; a',
    { endings: ['OUTPUT'] },
  ],
  ['an output that is deep', 'let a = []; for (let i = 0; i < 5000; i++) a = [a]; a', { endings: ['OUTPUT'] }],
  [
    'toJSON that goes ever deeper',
    '({ toJSON() { return { next: { toJSON: this.toJSON } } } })',
    { endings: ['OUTPUT'] },
  ],
  [
    'a proxy with endless keys',
    'new Proxy([], { get: (_, key) => (key === "length" ? 2 ** 32 - 1 : 1) })',
    { endings: ['OUTPUT'] },
  ],
  [
    'a text that never fits, in another form',
    'const s = "\\u0400".repeat(5e6); for (;;) s.normalize("NFKD")',
    { endings: ['MEMORY'] },
  ],
  [
    'logs that log',
    'console.log({ toJSON() { console.log("x".repeat(65536)); return "y" } }, "z".repeat(3e6)); 1',
    { captureLogs: true, endings: ['success'], output: { value: 1, logs: ['x'.repeat(65_536)] } },
  ],
  [
    'logs without an end',
    'for (let i = 0; i < 1e5; i++) console.log("x".repeat(100)); 1',
    { captureLogs: true, endings: ['success'] },
  ],
]

const deep: readonly Entry[] = [
  ['recursion', 'function f() { f() } f()'],
  ['recursion of getters', 'const o = { get x() { return this.x } }; o.x'],
  ['recursion of proxies', 'const p = new Proxy({}, { get: (_t, key, self) => self[key] }); p.x'],
  ['recursion of toString', 'const o = { toString: () => String(o) }; String(o)'],
  ['recursion of constructors', 'class A { constructor() { new A() } } new A()'],
  ['recursion of generators', 'function* g() { yield* g() } g().next()'],
  ['recursion of comparisons', 'const f = () => [2, 1].sort(f); f()'],
  ['recursion of replacements', 'const f = () => "a".replace(/a/, f); f()'],
  ['recursion of evaluations', 'globalThis.f = () => eval("f()"); f()'],
  ['proxies in proxies', 'let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x'],
  ['arrays in arrays', 'let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity)'],
  ['arrays in arrays, written', 'let a = []; for (let i = 0; i < 5e4; i++) a = [a]; JSON.stringify(a)'],
  ['code in brackets', 'eval("[".repeat(5e4) + "]".repeat(5e4))'],
  ['code in braces', 'new Function("{".repeat(5e4) + "}".repeat(5e4))'],
  ['JSON in brackets', 'JSON.parse("[".repeat(1e5))'],
  ['signs before a number', 'eval("- ".repeat(5e4) + "1")'],
  ['recursion while it is written', 'const o = { toJSON: () => JSON.stringify(o) }; o'],
]

const wrong: readonly Entry[] = [
  ['no JavaScript', 'let = = ;'],
  ['a module', 'import fs from "node:fs"; fs'],
  ['an import', 'await import("node:fs")'],
  ['an import, not awaited', 'import("bun")'],
  ['null, thrown', 'throw null'],
  ['undefined, thrown', 'throw undefined'],
  ['a symbol, thrown', 'throw Symbol("x")'],
  ['a function, thrown', 'throw () => 1'],
  [
    'an error with hostile getters',
    'throw { get name() { throw 1 }, get message() { throw 2 }, get stack() { throw 3 } }',
  ],
  [
    'an error with hostile fields',
    'const e = new Error("x"); e.name = { toString() { for (;;); } }; e.stack = {}; throw e',
  ],
  ['an error with a long message', 'throw new Error("x".repeat(1e6))'],
  ['an error that cannot be looked into', 'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); throw proxy'],
  [
    'an error of a changed class',
    'Error.prototype.toString = Error.prototype.toJSON = () => { throw 1 }; throw new Error("x")',
  ],
  ['a promise that is rejected', 'Promise.reject(new RangeError("x"))'],
  ['a promise that nothing settles', 'new Promise(() => {})'],
  ['awaiting what nothing settles', 'await new Promise(() => {})'],
  ['a function', '() => 1'],
  ['a function, deep inside', '({ a: [{ b: () => 1 }] })'],
  ['a symbol', 'Symbol("x")'],
  ['a class', 'class A {}; [A]'],
  ['a cycle', 'const a = {}; a.b = { c: a }; a'],
  ['a cycle of arrays', 'const a = []; a.push([a]); a'],
  ['no number', '[0 / 0]'],
  ['a number without an end', '({ a: 1 / 0 })'],
  ['no number in an object', 'new Number(NaN)'],
  ['toJSON that throws', '({ toJSON() { throw new Error("x") } })'],
  ['a getter that throws', '({ get a() { throw null } })'],
  ['a proxy that throws', 'new Proxy({}, { ownKeys() { throw 1 } })'],
  ['a revoked proxy', 'const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); proxy'],
  ['a value that throws', 'Object.defineProperty(Object.prototype, "value", { get() { throw 1 }, set() {} }); 1'],
  ['fetch', 'await fetch("http://169.254.169.254/")'],
  ['require', 'require("node:fs")'],
  ['a timer', 'setTimeout(() => 1, 1)'],
  ['process', 'process.exit(1)'],
  ['Bun', 'Bun.spawn(["sh"])'],
]

const found = (
  code: string,
  output: unknown,
  more: Partial<TortureScript> = {},
): Partial<TortureScript> & { code: string } => ({ code, output, ...more })

const harmless: Readonly<Record<string, Partial<TortureScript> & { readonly code: string }>> = {
  'the host through constructors': found(
    '[console.log, Object, async () => 1, args].map((it) => it.constructor.constructor("return typeof process + typeof Bun + typeof require + typeof postMessage")())',
    Array.from({ length: 4 }, () => 'undefinedundefinedundefinedundefined'),
    { args: { x: 1 }, captureLogs: false },
  ),
  'the names on globalThis': found(
    'Object.getOwnPropertyNames(globalThis).filter((name) => /process|bun|require|module|fetch|timer|timeout|worker|websocket|deno|std|os/i.test(name))',
    [],
  ),
  'a tampered JSON': found('JSON.stringify = JSON.parse = () => { throw 1 }; JSON = null; ({ a: [1] })', { a: [1] }),
  'tampered arrays': found(
    'for (const key of Object.getOwnPropertyNames(Array.prototype)) try { Array.prototype[key] = () => { throw 1 } } catch {} [{ a: [1, [2]] }]',
    [{ a: [1, [2]] }],
  ),
  'indexes of arrays that are watched': found(
    'Object.defineProperty(Array.prototype, 0, { set() { throw 1 }, get: () => 9 }); [[1], { a: 2 }]',
    [[1], { a: 2 }],
  ),
  'tampered objects': found(
    'Object.prototype.get = () => 7; Object.prototype.a = 1; Object.prototype.__defineGetter__("then", () => undefined); ({ b: 2 })',
    { b: 2 },
  ),
  'tampered functions': found(
    'Function.prototype.call = Function.prototype.apply = Function.prototype.bind = Reflect.apply = null; Symbol.iterator = null; ({ b: 2 })',
    { b: 2 },
  ),
  'tampered promises': found(
    'Promise.prototype.then = Promise.resolve = Promise.prototype.constructor = () => { throw 1 }; Promise = null; await 4',
    4,
  ),
  'arguments in the place of built-ins': found(
    '[typeof Object, JSON.a, typeof Promise, undefined === void 0, constructor, a]',
    ['number', 1, 'string', true, 4, 5],
    {
      args: {
        Object: 1,
        JSON: { a: 1 },
        Promise: 'x',
        undefined: 3,
        constructor: 4,
        a: 5,
        console: null,
        globalThis: 6,
        args: 7,
        'a-b': 8,
      },
    },
  ),
  'arguments that name a prototype': found(
    '[{}.x, args.y.__proto__.x, Object.getPrototypeOf(args.y) === Object.prototype]',
    [null, 1, true],
    {
      args: { y: JSON.parse('{"__proto__":{"x":1}}') as unknown },
    },
  ),
  'globalThis, frozen and emptied': found(
    'for (const key of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[key] } catch {} 5',
    5,
  ),
  'code in the place of data': found('typeof code + x', 'undefined"); process.exit(1); ("', {
    args: { x: '"); process.exit(1); ("' },
  }),
}

function entries(list: readonly Entry[], limitMs: number, ending: TortureEnding): readonly TortureScript[] {
  return list.map(([name, code, more]) => ({ name, code, limitMs, endings: [ending], ...more }))
}

/** All of them. */
export const tortureScripts: readonly TortureScript[] = [
  ...entries(endless, forEver, 'TIMEOUT'),
  ...entries(large, enough, 'MEMORY'),
  ...entries(deep, enough, 'STACK'),
  ...entries([...wrong, ...memoryBreakers], enough, 'SCRIPT_ERROR'),
  ...Object.entries(harmless).map(([name, more]) => ({
    name,
    limitMs: enough,
    endings: ['success'] as const,
    ...more,
  })),
]
