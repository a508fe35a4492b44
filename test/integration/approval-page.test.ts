/** The page of an approver in a real browser, as on a phone and without scripts. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { approvalIdOf } from '../../src/approvals/record.ts'
import { type BeamlineProcess, startBeamline } from '../support/beamline-process.ts'
import { findChromium } from '../support/chromium-binary.ts'
import { eventually } from '../support/eventually.ts'
import { fourWaysSettings, linkToken } from '../support/four-ways.ts'

const executablePath = findChromium()
const pictures = resolve(import.meta.dir, '../../.cache/screenshots')
const phone = { width: 390, height: 844 }

describe.skipIf(executablePath === undefined)('the page behind a link', () => {
  let browser: Browser
  let context: BrowserContext
  let worker: BeamlineProcess
  let url = ''
  const complaints: string[] = []

  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true })
    worker = await startBeamline(['dev'], fourWaysSettings)
    url = await worker.ready()
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox'] })
    context = await browser.newContext({ viewport: phone, javaScriptEnabled: false })
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    await worker?.[Symbol.asyncDispose]()
  })

  /** Asks, and opens the page of an approver. */
  async function openFor(assignmentId: string, approver: string, payload: object): Promise<Page> {
    await ask(assignmentId, payload)
    const page = await context.newPage()
    page.on('console', (message) => complaints.push(message.text()))
    await page.goto(`${url}/approve/${linkToken(idOf(assignmentId), approver)}`)
    return page
  }

  async function ask(assignmentId: string, payload: object): Promise<void> {
    const job = { assignment_id: assignmentId, tenant_id: 'acme', type: 'human_approval', payload }
    const headers = { 'content-type': 'application/json' }
    await fetch(`${url}/v1/jobs?wait=0`, { method: 'POST', headers, body: JSON.stringify(job) })
    await eventually(async () => (await fetch(`${url}/v1/approvals/${idOf(assignmentId)}`)).ok)
  }

  const picture = (page: Page, name: string) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })

  async function recordOf(assignmentId: string): Promise<unknown> {
    return (await fetch(`${url}/v1/approvals/${idOf(assignmentId)}`)).json()
  }

  test('shows the question; approving with a comment decides it; a second click changes nothing', async () => {
    const prompt = 'Deploy <script>alert(1)</script> to production?\nIt takes an hour.'
    const page = await openFor('p-1', 'ann', { prompt, approvers: ['ann', 'bob'], required: 2 })
    await page.getByRole('heading', { name: 'Your decision is asked for' }).waitFor()
    expect(await page.locator('.prompt').first().textContent()).toBe(prompt)
    // Nothing is wider than the phone.
    expect((await page.locator('main').boundingBox())?.width).toBeLessThanOrEqual(phone.width)
    await picture(page, 'asked')
    const stale = [await context.newPage(), await context.newPage()] as const
    for (const other of stale) await other.goto(page.url())
    await page.getByLabel('Comment (optional)').fill('Go on')
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('status').waitFor()
    expect(await page.getByRole('status').textContent()).toBe('Your vote was recorded.')
    await picture(page, 'voted')
    expect(await recordOf('p-1')).toMatchObject({
      votes: [{ approver: 'ann', decision: 'Approve', comment: 'Go on', via: 'link' }],
    })
    const [again, otherwise] = stale
    await again.getByRole('button', { name: 'Approve' }).click()
    await again.getByRole('status').waitFor()
    await otherwise.getByRole('button', { name: 'Reject' }).click()
    await otherwise.getByRole('alert').waitFor()
    await picture(otherwise, 'second-vote')
    // Nothing is kept by the browser: going back shows how things stand.
    await page.goBack()
    await page.getByRole('heading', { name: 'Thank you, your vote is recorded' }).waitFor()
    expect(await recordOf('p-1')).toMatchObject({ status: 'pending', votes: [{ decision: 'Approve' }] })
    await page.close()
  }, 30_000)

  test('can be used by the keyboard alone, and says how it ended', async () => {
    const page = await openFor('p-2', 'ann', { prompt: 'Shall we?', approvers: ['ann'] })
    await page.keyboard.press('Tab')
    await page.keyboard.type('No, thanks')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'This request is decided' }).waitFor()
    await picture(page, 'decided')
    expect(await recordOf('p-2')).toMatchObject({ status: 'decided', decision: 'Reject', comment: 'No, thanks' })
    await page.close()
  }, 30_000)

  test('says that it has expired, and takes no vote any more', async () => {
    const page = await openFor('p-3', 'ann', { prompt: 'Shall we?', approvers: ['ann'], timeout_ms: 1500 })
    await page.getByRole('button', { name: 'Approve' }).waitFor()
    await eventually(async () => ((await recordOf('p-3')) as { readonly status: string }).status === 'expired')
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('heading', { name: 'This request has expired' }).waitFor()
    expect(await page.getByRole('button').count()).toBe(0)
    await picture(page, 'expired')
    await page.close()
  }, 30_000)

  test('of a link that is good for nothing says so, and nothing on any page was refused by its policy', async () => {
    const page = await context.newPage()
    const answer = await page.goto(`${url}/approve/${linkToken(idOf('p-2'), 'ann')}x`)
    expect(answer?.status()).toBe(404)
    await page.getByRole('heading', { name: 'This link cannot be used' }).waitFor()
    await picture(page, 'useless')
    await page.close()
    expect(complaints.filter((text) => !text.includes('status of 4'))).toEqual([])
  }, 30_000)
})

function idOf(assignmentId: string): string {
  return approvalIdOf({ tenantId: 'acme', assignmentId })
}

test.if(executablePath === undefined)('no Chromium was found: the page was not driven in a browser', () => {
  expect(executablePath).toBeUndefined()
})
