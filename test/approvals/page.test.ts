import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Approval } from '../../src/approvals/approval.ts'
import { expire, vote } from '../../src/approvals/machine.ts'
import { approvalPage, pageHeaders, uselessLinkPage } from '../../src/approvals/page.ts'
import { pageStyle } from '../../src/approvals/page-style.ts'

const createdAt = Date.UTC(2026, 0, 2, 3, 4)

function approvalOf(texts: { prompt?: string; option?: string; requester?: string } = {}): Approval {
  const { prompt = 'Deploy?', option = 'Approve', requester } = texts
  return {
    ...{
      id: 'ap_1',
      assignmentId: 'a',
      tenantId: 't',
      approvers: [],
      createdAt,
      expiresAt: createdAt + 60_000,
      votes: [],
    },
    question: {
      ...{ prompt, options: [option, 'Reject'], approveOptions: [option], required: 1, noSelfApproval: false },
      ...(requester !== undefined && { requester }),
      onTimeout: 'expire',
    },
  }
}

interface Seen {
  readonly tags: readonly string[]
  readonly text: string
  readonly values: readonly string[]
}

/** What a browser makes of it. */
async function seen(html: string): Promise<Seen> {
  const tags: string[] = []
  const values: string[] = []
  let text = ''
  const rewriter = new HTMLRewriter().on('*', {
    element(element) {
      tags.push(element.tagName)
      const value = element.getAttribute('value')
      if (value !== null) values.push(value)
      for (const [name] of element.attributes) if (name.startsWith('on')) tags.push(`!${name}`)
    },
    text(chunk) {
      text += chunk.text
    },
  })
  await rewriter.transform(new Response(html)).text()
  return { tags, text, values }
}

describe('the page', () => {
  test('asks: the prompt, a button for each option, a labelled comment', async () => {
    const { tags, text } = await seen(approvalPage(approvalOf({ prompt: 'Deploy 1.2?', requester: 'bob' }), 'ann'))
    expect(tags.filter((tag) => tag === 'button')).toHaveLength(2)
    expect(tags).toContain('textarea')
    expect(tags).toContain('label')
    for (const word of ['Deploy 1.2?', 'bob', 'ann', 'Approve', 'Reject', '2026-01-02 03:05 UTC']) {
      expect(text).toContain(word)
    }
  })

  test('says in words which options mean yes', () => {
    const html = approvalPage(approvalOf({ option: 'Weiter' }), 'ann')
    expect(html).toMatch(/<bdi>Weiter<\/bdi><small> \(means yes\)<\/small><\/button>/)
    expect(html).toMatch(/<bdi>Reject<\/bdi><\/button>/)
  })

  test('after the vote says so and offers nothing more', async () => {
    const { approval } = vote(
      approvalOf(),
      { approver: 'ann', decision: 'Reject', comment: 'not <b>now</b>', via: 'link' },
      createdAt + 1000,
    )
    const { tags, text } = await seen(approvalPage(approval, 'ann', 'counted'))
    expect(tags).not.toContain('form')
    expect(tags).not.toContain('b')
    expect(text).toContain('Your vote was recorded.')
    expect(text).toContain('(not approved)')
  })

  test.each(['option', 'approver', 'self', 'voted', 'ended', 'comment', 'busy'] as const)(
    'says that nothing was recorded: %s',
    (answer) => {
      expect(approvalPage(approvalOf(), 'ann', answer)).toContain('role="alert">Nothing was recorded')
    },
  )

  test('of what has expired says so', async () => {
    const { text } = await seen(approvalPage(expire(approvalOf(), createdAt + 60_000), 'ann'))
    expect(text).toContain('This request has expired')
  })

  test('is the same for every useless link', () => {
    expect(uselessLinkPage()).toBe(uselessLinkPage())
    expect(uselessLinkPage()).not.toContain('<form')
  })

  test('whatever the texts are, they stay texts', async () => {
    const plain = (await seen(approvalPage(approvalOf({ requester: 'bob' }), 'ann'))).tags
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "' onfocus='alert(1)",
        '</textarea></form><form action=https://evil.example>',
        '&lt;b&gt;',
        '\u202etxt.exe',
        ']]><!--',
      ),
    )
    await fc.assert(
      fc.asyncProperty(hostile, hostile, hostile, hostile, async (prompt, option, requester, approver) => {
        const html = approvalPage(approvalOf({ prompt, option, requester }), approver)
        const { tags, values } = await seen(html)
        expect(tags).toEqual([...plain])
        expect(values).toEqual(['0', '1'])
        expect(html).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
      }),
      { numRuns: 500 },
    )
  })

  test('may load nothing but its own style, and be framed by nobody', () => {
    const hash = new Bun.CryptoHasher('sha256').update(pageStyle).digest('base64')
    expect(pageHeaders['content-security-policy']).toContain(`style-src 'sha256-${hash}'`)
    expect(pageHeaders['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(approvalPage(approvalOf(), 'ann')).toContain(`<style>${pageStyle}</style>`)
  })
})
