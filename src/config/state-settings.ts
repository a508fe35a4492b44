/** The settings of what is kept for later: questions to people, and their answers. */
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { choice, path } from './kinds.ts'
import { setting } from './setting.ts'

type TextOf = (variable: string) => string

/** Where records are kept that outlive the process. */
export const stateSettings = {
  store: setting(
    'STATE_STORE',
    choice('auto', 'sqlite', 'nats'),
    'auto',
    'Where approvals wait: a file, JetStream, or (auto) JetStream where assignments come from it.',
  ),
  path: setting(
    'STATE_PATH',
    path,
    {
      kind: 'derived',
      words: "beamline.sqlite in $STATE_DIRECTORY, else in the user's folder for state",
      make: (textOf) => join(serviceFolder(textOf) ?? userFolder(textOf), 'beamline.sqlite'),
    },
    'File of the approvals that do not wait in JetStream; one for each worker.',
  ),
}

/** Systemd names the folder, or several separated by colons. */
function serviceFolder(textOf: TextOf): string | undefined {
  return textOf('STATE_DIRECTORY').split(':').find(Boolean)
}

function userFolder(textOf: TextOf): string {
  const home = textOf('HOME') || homeFolder()
  switch (process.platform) {
    case 'win32':
      return join(textOf('LOCALAPPDATA') || join(home, 'AppData', 'Local'), 'beamline')
    case 'darwin':
      return join(home, 'Library', 'Application Support', 'beamline')
    default:
      return join(textOf('XDG_STATE_HOME') || join(home, '.local', 'state'), 'beamline')
  }
}

/** Whoever has no entry among the system's users, as in a bare container, has no home: then it is the temporary folder. */
function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return tmpdir()
  }
}
