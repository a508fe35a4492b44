import { version } from '../../package.json' with { type: 'json' }

// Put in by the build; not there when run from source.
declare const BEAMLINE_COMMIT: string | undefined

/** Which program this is. */
export const buildInfo = {
  version,
  /** The commit it was built from, or `source`. */
  commit: typeof BEAMLINE_COMMIT === 'string' ? BEAMLINE_COMMIT : 'source',
  bun: Bun.version,
} as const
