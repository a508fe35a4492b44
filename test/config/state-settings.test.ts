import { expect, test } from 'bun:test'
import { loadConfig } from '../../src/config/load.ts'

const pathOf = (env: Readonly<Record<string, string>>): string => loadConfig(env).state.path

test('the file is where the operator says, where systemd says, else in the folder of the user', () => {
  expect(pathOf({ STATE_PATH: '/a/b.sqlite', STATE_DIRECTORY: '/s', HOME: '/h' })).toBe('/a/b.sqlite')
  expect(pathOf({ STATE_DIRECTORY: '/var/lib/beamline', HOME: '/h' })).toBe('/var/lib/beamline/beamline.sqlite')
  expect(pathOf({ STATE_DIRECTORY: '/one:/two' })).toBe('/one/beamline.sqlite')
})

test.if(process.platform === 'linux')('the folder of the user is the one that the desktop world has agreed on', () => {
  expect(pathOf({ HOME: '/h' })).toBe('/h/.local/state/beamline/beamline.sqlite')
  expect(pathOf({ HOME: '/h', XDG_STATE_HOME: '/x' })).toBe('/x/beamline/beamline.sqlite')
  expect(pathOf({})).toEndWith('/.local/state/beamline/beamline.sqlite')
})
