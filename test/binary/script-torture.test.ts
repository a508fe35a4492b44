import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { startBeamline } from '../support/beamline-process.ts'
import { startNats } from '../support/nats-server.ts'
import { expectTortureSurvived, tortureSettings } from '../support/torture.ts'
import { connectWire } from '../support/wire-client.ts'

const program = [resolve(import.meta.dir, '../../dist/beamline')]
const timeLimitMs = 300_000

test(
  'every hostile script ends as it has to inside the executable, started from another folder',
  async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'beamline-elsewhere-'))
    try {
      await using server = await startNats()
      const settings = { NATS_URL: server.url, JETSTREAM: 'off', ...tortureSettings }
      await using beamline = await startBeamline(['start'], settings, { program, cwd })
      await using wire = await connectWire(server.url)
      await beamline.ready()
      await expectTortureSurvived(beamline, wire)
      expect(await beamline.stop('SIGTERM')).toBe(0)
    } finally {
      rmSync(cwd, { recursive: true })
    }
  },
  timeLimitMs,
)
