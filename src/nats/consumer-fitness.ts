/** Whether a consumer that somebody else has made serves the fleet. Pure. */
import { AckPolicy, type ConsumerInfo, type StreamInfo } from '@nats-io/jetstream'

/** Why jobs would be lost, shared wrongly or never come with this consumer; undefined when it can be used. */
export function unusable(consumer: ConsumerInfo, stream: StreamInfo, assign: string): string | undefined {
  const { config } = consumer
  const filters = config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : [])
  if (config.deliver_subject) return 'it pushes; a pull consumer is needed'
  if (config.ack_policy !== AckPolicy.Explicit) return `its ack policy is ${config.ack_policy}, not explicit`
  if (config.headers_only === true) return 'it delivers headers without bodies (headers_only)'
  if (servesGroups(config)) return 'it serves only pulls that name a priority group (priority_groups)'
  if (config.max_deliver === 1) return 'it delivers a message only once (max_deliver 1): one that is given back is lost'
  if (filters.length > 0 && !filters.some((filter) => covers(filter, assign))) return `it does not deliver ${assign}`
  if (!isOnly(assign, filters) && !isOnly(assign, stream.config.subjects))
    return `it delivers more than ${assign}, and takes the rest for assignments; set its filter_subject to ${assign}`
  return undefined
}

/** After how many deliveries this consumer loses a message; undefined when it never does. */
export function deliveryLimit({ config: { max_deliver: most = -1 } }: ConsumerInfo): number | undefined {
  return most > 0 ? most : undefined
}

/** Whether a subject with wildcards matches a plain one. */
export function covers(pattern: string, subject: string): boolean {
  const wanted = subject.split('.')
  const tokens = pattern.split('.')
  const open = tokens.at(-1) === '>'
  if (open ? wanted.length < tokens.length : wanted.length !== tokens.length) return false
  return tokens.every((token, at) => token === '*' || token === wanted[at] || (open && at === tokens.length - 1))
}

function servesGroups({ priority_groups: groups, priority_policy: policy }: ConsumerInfo['config']): boolean {
  return (groups?.length ?? 0) > 0 || (policy ?? 'none') !== 'none'
}

function isOnly(subject: string, patterns: readonly string[] | undefined): boolean {
  return patterns !== undefined && patterns.length > 0 && patterns.every((pattern) => pattern === subject)
}
