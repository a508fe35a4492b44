/** How the text of a type's values is read and written; `text` is what stays as it is. */
export type ScalarForm =
  | 'text'
  | 'bool'
  | 'int'
  | 'bigint'
  | 'numeric'
  | 'float'
  | 'json'
  | 'bytea'
  | 'timestamp'
  | 'timestamptz'
  | 'timetz'
  | 'vector'
  | 'void'

interface ScalarType {
  readonly form: ScalarForm
  /** As `columns` and errors show it, such as `timestamp with time zone`. */
  readonly name: string
}

interface ArrayType {
  readonly form: 'array'
  readonly name: string
  readonly element: TypeInfo
  /** What stands between its elements: a comma, but for the type `box`. */
  readonly delimiter: string
}

/** What there is to know of a type in order to read and write its values. A domain has the form of what it is based on. */
export type TypeInfo = ScalarType | ArrayType

const fixedForms: ReadonlySet<TypeInfo['form']> = new Set([
  ...(['bool', 'int', 'bigint', 'float', 'timestamp', 'timestamptz', 'timetz', 'void'] as const),
])
const fixedNames: ReadonlySet<string> = new Set(['uuid', 'date', 'time without time zone', 'interval'])

/** Whether its values have no more than some 64 characters. */
export function hasFixedSize({ form, name }: TypeInfo): boolean {
  return fixedForms.has(form) || (form === 'text' && fixedNames.has(name))
}

/** What a type is taken for that nothing is known of: its values are texts. The name is the one that PostgreSQL has for it. */
export const unknownType: TypeInfo = { form: 'text', name: '???' }
