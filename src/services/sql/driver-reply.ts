/** What the runtime's driver answers, in our own terms. */
import type { SQL } from 'bun'
import { preparedForm } from './binary-text.ts'

/** A column of a reply: its name, and the OID of its type. */
export interface Column {
  readonly name: string
  readonly type: number
}

/** What a server answered to one statement. */
export interface Reply {
  /** The command tag's word, such as `SELECT`. */
  readonly command: string
  /** The command tag's count of rows, 0 when it has none. */
  readonly affected: number
  readonly columns: readonly Column[]
  /** The values in the text form of their types. */
  readonly rows: readonly (readonly (string | null)[])[]
  /** The size of all values as they came. */
  readonly bytes: number
}

/** Rows as they came, with what the server said of them. */
export type Answer = (Buffer | null)[][] & Pick<SQL.ResultMetadata, 'command' | 'count' | 'columns'>

/** Of several statements: an answer for each. */
export type Answers = Answer | Answer[]

function isOne(answers: Answers): answers is Answer {
  return 'command' in answers
}

/** Takes apart what the driver gives only when somebody looks: at most answers nobody does, and it costs more than the answer. */
class DriverReply implements Reply {
  readonly #answer: Answer
  #columns: readonly Column[] | undefined
  #rows: (string | null)[][] | undefined
  #bytes = 0

  constructor(answer: Answer) {
    this.#answer = answer
  }

  get command(): string {
    return this.#answer.command ?? ''
  }

  get affected(): number {
    return this.#answer.count
  }

  get columns(): readonly Column[] {
    this.#columns ??= columnsOf(this.#answer)
    return this.#columns
  }

  get bytes(): number {
    this.#read()
    return this.#bytes
  }

  get rows(): readonly (readonly (string | null)[])[] {
    return this.#read()
  }

  /** By hand: the driver's rows are arrays of a class of its own, and `map` would make another such. */
  #read(): (string | null)[][] {
    if (this.#rows !== undefined) return this.#rows
    this.#rows = []
    for (const row of this.#answer) {
      const texts: (string | null)[] = []
      for (const value of row) {
        this.#bytes += value?.length ?? 0
        texts.push(value === null ? null : value.toString())
      }
      this.#rows.push(texts)
    }
    return this.#rows
  }
}

/** What the server answered to one statement that the driver has not prepared. */
export function replyOf(answer: Answer): Reply {
  return new DriverReply(answer)
}

/** What the server answered to several. */
export function repliesOf(answers: Answers): readonly Reply[] {
  return isOne(answers) ? [replyOf(answers)] : answers.map(replyOf)
}

/** The columns of an answer. */
export function columnsOf(answer: Answer): readonly Column[] {
  return (answer.columns ?? []).map(({ name, type }) => ({ name, type }))
}

/** What the server answered to a statement that the driver has prepared, whose columns are always these. */
export function preparedReply(answer: Answer, columns: readonly Column[]): Reply {
  const rows: (string | null)[][] = []
  let bytes = 0
  for (const row of answer) {
    const texts: (string | null)[] = []
    for (let index = 0; index < columns.length; index++) {
      const value = row[index] ?? null
      const form = preparedForm(columns[index]?.type ?? 0)
      bytes += value?.length ?? 0
      texts.push(value === null || form === undefined ? (value?.toString() ?? null) : form(value))
    }
    rows.push(texts)
  }
  return { command: answer.command ?? '', affected: answer.count, columns, rows, bytes }
}
