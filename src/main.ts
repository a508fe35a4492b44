/** The process: signals, last resorts, exit code. Everything else is in `cli/`. */
import { runCli } from './cli/cli.ts'
import { Ending } from './cli/ending.ts'
import { exitCodes } from './cli/exit-code.ts'
import { systemClock } from './lib/clock.ts'

const ending = new Ending()

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (ending.interrupt(systemClock.monotonic()) === 'end') process.exit(exitCodes.interrupted)
  })
}
// Neither ends the process by itself: what is held is given back first.
process.on('uncaughtException', (error) => ending.crash(error))
process.on('unhandledRejection', (reason) => ending.crash(reason))

process.exit(await runCli({ args: process.argv.slice(2), env: process.env, ending }))
