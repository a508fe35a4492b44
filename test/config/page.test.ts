import { describe, expect, test } from 'bun:test'
import { allSettings } from '../../src/config/load.ts'
import { configurationPage, settingsHelp } from '../../src/config/page.ts'

describe('the settings in words', () => {
  test('docs/configuration.md is what the list says; `bun test/support/write-docs.ts` writes it anew', async () => {
    const page = Bun.file(new URL('../../docs/configuration.md', import.meta.url))
    expect(await page.text()).toBe(configurationPage())
  })

  test('the help names every variable and stays within a terminal', () => {
    const help = settingsHelp()
    for (const { setting } of allSettings()) expect(help).toContain(`  ${setting.variable}\n`)
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
  })

  test('every summary is one sentence', () => {
    for (const { setting } of allSettings()) expect(setting.summary).toMatch(/^[A-Z].*\S\.?$|beside it\.$/)
  })
})
