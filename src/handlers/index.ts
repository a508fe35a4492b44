import type { Handler } from '../handler.ts'
import { echo } from './echo.ts'
import { sleep } from './sleep.ts'

/** Every job type this binary can run. A literal list: a compiled binary cannot scan folders. */
export const handlers: readonly Handler[] = [echo, sleep]
