import { expect, test } from 'bun:test'
import { scriptFindings } from '../../src/cli/script-findings.ts'
import { loadConfig } from '../../src/config/load.ts'

const look = (env: Readonly<Record<string, string>>) => scriptFindings(loadConfig(env))

test('check warns of scripts that may take more memory than the worker', () => {
  expect(look({ SCRIPT_THREADS: '8', SCRIPT_MEMORY_BYTES: '2GB' })).toEqual([])
  expect(look({ SCRIPT_THREADS: '2', SCRIPT_MEMORY_BYTES: '50MB', WORKER_MAX_RSS: '100MB' })).toEqual([])
  expect(look({ SCRIPT_THREADS: '8', SCRIPT_MEMORY_BYTES: '2GB', WORKER_MAX_RSS: '100MB' })).toEqual([
    {
      status: 'warn',
      name: 'scripts',
      explanation:
        '8 threads with 2000 MB each are more than WORKER_MAX_RSS, 100 MB: scripts can make the worker end; lower SCRIPT_THREADS or SCRIPT_MEMORY_BYTES, or raise it',
    },
  ])
})
