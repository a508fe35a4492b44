/** What one setting is, and what kinds of values there are. Every kind reads the text of an environment variable. */
import type { z } from 'zod'

/** What one environment variable is and means. */
export interface Setting<T, Optional extends boolean = boolean> {
  readonly variable: string
  /** One sentence for `--help` and the reference. */
  readonly summary: string
  /** What is accepted, in words: the type and its range. */
  readonly accepts: string
  /** Reads the text; an issue's message says what was expected. */
  readonly schema: z.ZodType<T, string>
  /** What may be shown of a text, right or wrong; without it, all but what looks like a secret. */
  readonly shown?: (text: string) => string
  readonly fallback: Fallback
  /** Never shown, in no output and no message. */
  readonly secret: boolean
  readonly optional: Optional
}

/**
 * What an unset variable means: nothing, a text that is read like any other, or a text made from other settings.
 * `invented` values differ from start to start, so listings show the words instead.
 */
export type Fallback =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'derived' | 'invented'
      readonly words: string
      readonly make: (textOf: (variable: string) => string) => string
    }

/** A kind of value: what it accepts in words, and how its text is read. */
export interface Kind<T> {
  readonly accepts: string
  readonly schema: z.ZodType<T, string>
  /** What may be shown of a text that may hold a secret. */
  readonly shown?: (text: string) => string
}

/** Declares a setting that always has a value. */
export function setting<T>(
  variable: string,
  kind: Kind<T>,
  fallback: string | Fallback,
  summary: string,
): Setting<T, false> {
  const unset: Fallback = typeof fallback === 'string' ? { kind: 'text', text: fallback } : fallback
  return { variable, summary, ...kind, fallback: unset, secret: false, optional: false }
}

/** Declares a setting that may be absent. */
export function optional<T>(variable: string, kind: Kind<T>, summary: string): Setting<T, true> {
  return { variable, summary, ...kind, fallback: { kind: 'none' }, secret: false, optional: true }
}

/** Declares a setting that may be absent and is never shown. */
export function secret<T>(variable: string, kind: Kind<T>, summary: string): Setting<T, true> {
  return { ...optional(variable, kind, summary), secret: true }
}
