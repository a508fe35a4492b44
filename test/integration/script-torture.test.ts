import { expect, test } from 'bun:test'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startBeamline } from '../support/beamline-process.ts'
import { startNats } from '../support/nats-server.ts'
import { tortureScripts } from '../support/script-torture.ts'
import { expectTortureSurvived, tortureSettings } from '../support/torture.ts'
import { connectWire } from '../support/wire-client.ts'

const root = resolve(import.meta.dir, '../..')
const probed = [process.execPath, '--preload', join(root, 'test/support/lag-probe.ts'), join(root, 'src/main.ts')]
const timeLimitMs = 300_000

test('there are many, and no two have one name', () => {
  expect(new Set(tortureScripts.map(({ name }) => name)).size).toBe(tortureScripts.length)
  expect(tortureScripts.length).toBeGreaterThan(100)
})

test(
  'every hostile script ends as it has to, and nobody else notices',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'beamline-lag-'))
    const lagFile = join(folder, 'lag.json')
    try {
      await using server = await startNats()
      const settings = { NATS_URL: server.url, JETSTREAM: 'off', ...tortureSettings, LAG_FILE: lagFile }
      await using beamline = await startBeamline(['start'], settings, { program: probed })
      await using wire = await connectWire(server.url)
      await beamline.ready()
      const readyAt = Date.now()
      await expectTortureSurvived(beamline, wire)
      expect(await beamline.stop('SIGTERM')).toBe(0)
      // The probe writes three numbers each. Starting up is not what is measured.
      const all = JSON.parse(await readFile(lagFile, 'utf8')) as readonly (readonly [number, number, number])[]
      const lags = all.filter(([, , at]) => at > readyAt)
      expect(lags.length).toBeGreaterThan(1000)
      const late = lags.map(([lateMs]) => lateMs).toSorted((a, b) => a - b)
      expect(late[Math.floor(late.length * 0.99)]).toBeLessThan(50)
      // The single longest is its own doing only where it did not wait for a processor: other programs run here too.
      expect(Math.max(...lags.map(([lateMs, waitedMs]) => lateMs - waitedMs))).toBeLessThan(150)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
  timeLimitMs,
)
