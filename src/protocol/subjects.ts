/** The subjects of one platform. All of them differ: a result that landed on `assign` would be an assignment. */
export interface Subjects {
  readonly assign: string
  readonly ack: string
  readonly result: string
  readonly heartbeat: string
  readonly deadLetter: string
  readonly cancel: string
  /** Only the beginning: of `.requested`, `.decided`, `.get`, `.list` and `.decide`. */
  readonly approval: string
}

/** What stands behind the beginning of the subjects of approvals. */
export const approvalWords = { sent: ['requested', 'decided'], heard: ['get', 'list', 'decide'] } as const

/** The subjects that one of the names stands for. */
export function subjectsOf(subjects: Subjects, name: keyof Subjects): readonly string[] {
  const subject = subjects[name]
  const words = [...approvalWords.sent, ...approvalWords.heard]
  return name === 'approval' ? words.map((word) => `${subject}.${word}`) : [subject]
}

/** Whether a text can be published on: dot-separated tokens of letters, digits, `_` and `-`, none empty, no wildcard. */
export function isSubject(text: string): boolean {
  return /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(text)
}
