/** The list of commands, in the order in which `--help` shows them. */
import { approvals } from './approvals.ts'
import { check } from './check.ts'
import type { Command } from './command.ts'
import { config } from './config.ts'
import { dev } from './dev.ts'
import { dlq } from './dlq.ts'
import { health } from './health.ts'
import { run } from './run.ts'
import { start } from './start.ts'
import { submit } from './submit.ts'

/** Every command. */
export const commands: readonly Command[] = [start, dev, run, submit, approvals, dlq, check, health, config]
