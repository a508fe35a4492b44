/** Settings whose variables hold a name that whoever sets them chooses. */
import type { Setting } from './setting.ts'

type Members = Readonly<Record<string, Setting<unknown, true>>>

/** Settings that come once for each name: `<NAME>` stands for it in their variables. */
export interface Family<M extends Members = Members> {
  readonly members: M
}

/** One setting of a family, for one name. */
export interface FamilyMember {
  readonly name: string
  /** Its key among the members. */
  readonly member: string
  /** With the name in its variable. */
  readonly setting: Setting<unknown, true>
}

const placeholder = '<NAME>'
const name = /^[A-Z0-9][A-Z0-9_]*$/

/** Declares the settings that come once for each name. Where two would take a variable, the one with the longer end has it. */
export function family<M extends Members>(members: M): Family<M> {
  return { members }
}

/** Whether an entry of the list is a family. */
export function isFamily(entry: Setting<unknown> | Family): entry is Family {
  return 'members' in entry
}

/** The settings of a family that are among these variables, sorted by variable. */
export function membersAmong({ members }: Family, variables: readonly string[]): readonly FamilyMember[] {
  const templates = Object.entries(members).map(([member, setting]) => {
    const [start = '', end = ''] = setting.variable.split(placeholder)
    return { member, setting, start, end }
  })
  templates.sort((a, b) => b.end.length - a.end.length)
  return variables.toSorted().flatMap((variable) => {
    for (const { member, setting, start, end } of templates) {
      const middle = variable.slice(start.length, variable.length - end.length)
      if (`${start}${middle}${end}` === variable && name.test(middle)) {
        return [{ name: middle, member, setting: { ...setting, variable } }]
      }
    }
    return []
  })
}
