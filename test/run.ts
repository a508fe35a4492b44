/**
 * Runs the project's tests, fetching first what they need: `bun test/run.ts SUITE [--chaos] [-- arguments of bun test]`.
 * The last line is `N passed, N failed`. Imports nothing that has to be installed, for it is what installs.
 */
import { parseArgs } from 'node:util'
import { check } from './runner/check.ts'
import { endAllAndExit, runChild } from './runner/child.ts'
import { provideChromium } from './runner/chromium.ts'
import { noTests, sum, summaryLine, type Totals } from './runner/junit.ts'
import { provideNats } from './runner/nats-servers.ts'
import { batches, root, type Suite, suiteLimitMs, testFiles } from './runner/suites.ts'
import { provideSystemd } from './runner/systemd.ts'
import { runTests } from './runner/test-run.ts'
import { chromiumVariable } from './support/chromium-binary.ts'
import { natsVariables } from './support/nats-binary.ts'
import { systemdVariable } from './support/systemd-binary.ts'

const usage = 'bun test/run.ts all|check|unit|integration|binary|chaos|coverage [--chaos] [-- arguments of bun test]'
const installLimitMs = 600_000
const buildLimitMs = 300_000

type Environment = Readonly<Record<string, string | undefined>>
type Task = (args: readonly string[]) => Promise<Totals>

const tasks: Readonly<Record<string, Task>> = {
  check: () => check(tell),
  unit: (args) => suite('unit', args, process.env),
  integration: (args) => withServers((env) => suite('integration', args, env)),
  binary: (args) => withServers((env) => afterBuild(() => suite('binary', args, env))),
  chaos: (args) => withServers((env) => afterBuild(() => suite('chaos', args, env))),
  coverage: (args) => withServers((env) => coverage(args, env)),
  all: async (args) => {
    const checked = await check(tell)
    const onServers = await withServers(async (env) => {
      const integration = await suite('integration', args, env)
      const built = await afterBuild(async () => {
        const binary = await suite('binary', args, env)
        return process.env['BEAMLINE_CHAOS'] === '1' ? sum(binary, await suite('chaos', args, env)) : binary
      })
      return sum(integration, built)
    })
    return sum(checked, onServers)
  },
}

function tell(text: string): void {
  process.stdout.write(text)
}

async function main(): Promise<number> {
  const { values, positionals, tokens } = parseArgs({
    options: { chaos: { type: 'boolean' } },
    allowPositionals: true,
    tokens: true,
  })
  const end = tokens.find(({ kind }) => kind === 'option-terminator')?.index
  const args = end === undefined ? [] : process.argv.slice(2 + end + 1)
  const [name = 'all', ...surplus] = positionals.slice(0, positionals.length - args.length)
  const task = tasks[name]
  if (task === undefined || surplus.length > 0) {
    process.stderr.write(`${usage}\n`)
    return 2
  }
  if (values.chaos) process.env['BEAMLINE_CHAOS'] = '1'
  await install()
  const totals = await task(args)
  tell(`\n${summaryLine(totals)}\n`)
  return totals.failed === 0 ? 0 : 1
}

async function install(): Promise<void> {
  const command = [process.execPath, 'install', '--frozen-lockfile']
  const { code, output } = await runChild(command, { cwd: root, limitMs: installLimitMs, quiet: true })
  if (code !== 0) throw new Error(`The packages could not be installed:\n${output}`)
}

/** Runs tests in an environment that names the servers and the browser that were found; without the newest they count as one failure. */
async function withServers(run: (env: Environment) => Promise<Totals>): Promise<Totals> {
  const warn = (line: string): void => tell(`  ${line}\n`)
  const newest = await provideNats('newest', warn)
  if (newest === undefined) {
    tell('No nats-server could be found or fetched: install one (2.10 or later), or name it in NATS_SERVER.\n')
    return { ...noTests, failed: 1 }
  }
  tell(`nats-server ${newest.version}: ${newest.path}\n`)
  const old = await provideNats('old', warn)
  tell(
    old === undefined
      ? 'nats-server 2.9: none, so the tests on the oldest server are skipped (NATS_SERVER_OLD names one)\n'
      : `nats-server ${old.version}: ${old.path}\n`,
  )
  const browser = await provideChromium(warn)
  tell(
    browser === undefined
      ? 'chromium: none, so no page is driven in a browser (CHROMIUM names one)\n'
      : `chromium: ${browser}\n`,
  )
  const systemd = await provideSystemd(warn)
  tell(
    systemd === undefined
      ? 'systemd-analyze: none, so the unit file is not looked at (SYSTEMD_ANALYZE names one)\n'
      : `systemd-analyze: ${systemd}\n`,
  )
  return run({
    ...process.env,
    [chromiumVariable]: browser,
    [systemdVariable]: systemd,
    [natsVariables.newest]: newest.path,
    [natsVariables.old]: old?.path,
  })
}

/** Files named after `--` are run instead of the whole suite, one after the other. */
async function suite(name: Suite, args: readonly string[], env: Environment): Promise<Totals> {
  tell(`\n== ${name}\n`)
  const named = args.filter((arg) => arg.endsWith('.test.ts'))
  const options = { args: args.filter((arg) => !named.includes(arg)), env, limitMs: suiteLimitMs[name] }
  let all = noTests
  for (const batch of named.length > 0 ? [{ files: named, atOnce: false }] : batches(name)) {
    const { totals, output } = await runTests({ ...batch, ...options })
    tell(output)
    all = sum(all, totals)
  }
  return all
}

async function afterBuild(run: () => Promise<Totals>): Promise<Totals> {
  tell('\n== build\n')
  const { code } = await runChild([process.execPath, 'build.ts'], { cwd: root, limitMs: buildLimitMs })
  return code === 0 ? run() : { ...noTests, failed: 1 }
}

async function coverage(args: readonly string[], env: Environment): Promise<Totals> {
  const { totals, output } = await runTests({
    files: [...testFiles('unit'), ...testFiles('integration')],
    atOnce: false,
    args: ['--coverage', ...args],
    env,
    limitMs: suiteLimitMs.integration,
  })
  tell(output)
  return totals
}

process.on('SIGINT', endAllAndExit)
process.on('SIGTERM', endAllAndExit)

// No process.exit: it would take away what a pipe has not yet taken, the last line first.
process.exitCode = await main().catch((error: unknown) => {
  tell(`${error instanceof Error ? error.message : String(error)}\n\n0 passed, 1 failed\n`)
  return 1
})
