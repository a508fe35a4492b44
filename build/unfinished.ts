import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A folder for what is not ready yet; disposing of it removes it. */
export interface Unfinished extends AsyncDisposable {
  readonly path: string
}

const open = new Set<string>()
/** The number is that of the process that made it. */
const name = /^\.unfinished-(\d+)-/

/** Makes one in `folder`, so that files move out of it all at once, and removes those of builds that were killed. */
export async function openUnfinished(folder: string): Promise<Unfinished> {
  await mkdir(folder, { recursive: true })
  for (const found of await readdir(folder)) {
    const pid = Number(name.exec(found)?.[1])
    if (pid && !isRunning(pid)) await rm(join(folder, found), { recursive: true, force: true })
  }
  const path = await mkdtemp(join(folder, `.unfinished-${process.pid}-`))
  open.add(path)
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true })
      open.delete(path)
    },
  }
}

/** For a process that is told to end: removes those that it has made, at once. */
export function removeUnfinished(): void {
  for (const path of open) rmSync(path, { recursive: true, force: true })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
