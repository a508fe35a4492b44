/** Loaded before every test file (bunfig.toml): how long a test may take that sets no limit of its own. */
import { setDefaultTimeout } from 'bun:test'

/** Ends what hangs; it measures nothing, so it leaves room for a slow machine. */
const limitMs = 10_000

setDefaultTimeout(limitMs)
