/** Loaded before every test file (bunfig.toml): the usual limit of a test, also for files that are run by hand. */
import { setDefaultTimeout } from 'bun:test'
import { testLimitMs } from '../runner/suites.ts'

setDefaultTimeout(testLimitMs)
