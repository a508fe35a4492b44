/** The process's one log: a JSON object a line, or text for people; nothing secret in either. */
import { type Clock, systemClock } from '../lib/clock.ts'
import { type Mask, noMask } from '../lib/secret-mask.ts'
import { type LineSink, openLineSink } from './line-sink.ts'
import { jsonLines, type LineMaker, type LogFields, type LogLevel, mergeFields, prettyLines } from './log-line.ts'
import { openTimestamps } from './timestamp.ts'

export type { LogFields, LogLevel }

/** Writes lines, when their level is asked for. Nothing here ever throws. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same log, with fields that every line repeats; `component` replaces the one of the parent. */
  child(fields: LogFields & { readonly component?: string | undefined }): Logger
  /** Whether debug lines are written, for callers whose fields cost something to make. */
  readonly debugging: boolean
  /** Writes what has gathered. */
  flush(): void
}

interface LoggerOptions {
  readonly level: LogLevel
  readonly format: 'json' | 'pretty'
  readonly workerId: string
  readonly component: string
  /** A function is given each line at once, without its line end. */
  readonly to: 'stdout' | 'stderr' | ((line: string) => void)
  readonly clock?: Clock
  /** Is applied to the values that a line shows. */
  readonly mask?: Mask
}

/** Opens the log. Lines are gathered for at most 100 ms, errors and text for people not at all; disposing writes the rest. */
export function openLogger(options: LoggerOptions): Logger & Disposable {
  return new OpenLogger(openLog(options), options.component, {})
}

/** What a logger shares with its children. */
interface Log {
  readonly level: LogLevel
  readonly sink: LineSink
  write(level: LogLevel, component: string, message: string, fields: LogFields): void
}

const weight = { debug: 0, info: 1, warn: 2, error: 3 } as const satisfies Record<LogLevel, number>
const formats = { json: jsonLines, pretty: prettyLines } as const

function openLog({ level, format, workerId, to, clock = systemClock, mask = noMask }: LoggerOptions): Log {
  const timestamp = openTimestamps(clock)
  const makers = new Map<string, LineMaker>()
  const makerFor = (of: LogLevel, component: string): LineMaker => {
    const key = `${of} ${component}`
    const known = makers.get(key)
    if (known !== undefined) return known
    const maker = formats[format]({ level: of, component, workerId, stacks: level === 'debug', mask })
    makers.set(key, maker)
    return maker
  }
  const write: Log['write'] = (of, component, message, fields) => {
    sink.write(makerFor(of, component)(timestamp(), message, fields))
    if (format === 'pretty' || of === 'error') sink.flush()
  }
  const lost = (lines: number): void =>
    write('warn', 'log', 'Log lines were dropped, for nobody read them', { context: { lines } })
  const sink = typeof to === 'function' ? direct(to) : openLineSink(to === 'stdout' ? 1 : 2, clock, lost)
  return { level, sink, write }
}

function direct(write: (line: string) => void): LineSink {
  return { write, flush: () => undefined, [Symbol.dispose]: () => undefined }
}

class OpenLogger implements Logger, Disposable {
  readonly debugging: boolean
  readonly #log: Log
  readonly #component: string
  readonly #bound: LogFields

  constructor(log: Log, component: string, bound: LogFields) {
    this.#log = log
    this.#component = component
    this.#bound = bound
    this.debugging = log.level === 'debug'
  }

  debug(message: string, fields?: LogFields): void {
    if (this.debugging) this.#write('debug', message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields)
  }

  child({ component = this.#component, ...fields }: LogFields & { readonly component?: string | undefined }): Logger {
    return new OpenLogger(this.#log, component, mergeFields(this.#bound, fields))
  }

  flush(): void {
    this.#log.sink.flush()
  }

  [Symbol.dispose](): void {
    this.#log.sink[Symbol.dispose]()
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (weight[level] < weight[this.#log.level]) return
    this.#log.write(level, this.#component, message, mergeFields(this.#bound, fields))
  }
}
