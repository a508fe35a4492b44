/** The process: signals, last resorts, exit code. Everything else is in `cli/`. */
import { runCli } from './cli/cli.ts'
import { Ending } from './cli/ending.ts'
import { exitCodes } from './cli/exit-code.ts'

const ending = new Ending()
let interrupted = false

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (interrupted) process.exit(exitCodes.interrupted)
    interrupted = true
    ending.request(exitCodes.done)
  })
}
// Neither ends the process by itself: what is held is given back first.
process.on('uncaughtException', (error) => ending.crash(error))
process.on('unhandledRejection', (reason) => ending.crash(reason))

process.exit(await runCli({ args: process.argv.slice(2), env: process.env, ending }))
