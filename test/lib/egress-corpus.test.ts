/** The decision over every hostile and every ordinary URL of the corpus, with a resolver that answers from the corpus. */
import { describe, expect, test } from 'bun:test'
import { answering, decide, egress, publicAddress } from './decide.ts'
import { disguisedAddresses } from './disguised-addresses.ts'
import { plainAddresses } from './hostile-addresses.ts'
import { hostileNames } from './hostile-names.ts'
import { hostileShapes, noUrls, publicUrls } from './hostile-urls.ts'

const addresses = [...plainAddresses, ...disguisedAddresses].flatMap(([range, urls]) =>
  urls.map((url) => ({ url, range })),
)
const shapes = Object.entries(hostileShapes).flatMap(([rule, urls]) => urls.map((url) => ({ url, rule })))
const shown = (url: string): string => JSON.stringify(url.slice(0, 100))

describe('the hostile URLs', () => {
  test('are many, and no two of them the same', () => {
    const refused = [...addresses, ...hostileNames, ...shapes].map(({ url }) => url)
    expect(new Set([...refused, ...noUrls]).size).toBe(refused.length + noUrls.length)
    expect(refused.length).toBeGreaterThanOrEqual(350)
    expect(new Set(publicUrls).size).toBeGreaterThanOrEqual(35)
  })

  for (const { url, range } of addresses) {
    test(`${shown(url)} lies in ${range}`, async () => {
      expect(await decide(egress(), url)).toMatchObject({
        rule: 'special_address',
        range,
        setting: 'EGRESS_ALLOW_CIDRS',
      })
    })
  }

  for (const { url, answers, ...refusal } of hostileNames) {
    test(`${shown(url)} answers ${answers.join(', ')}`, async () => {
      const policy = egress()
      const details = await decide(policy, url, answering(...answers))
      expect(details).toMatchObject(refusal)
      for (const answer of answers.filter((text) => text !== '' && !url.includes(text))) {
        expect(JSON.stringify(details)).not.toContain(answer)
      }
      // The address alone is what is refused: the same name with another answer is let through.
      expect(await decide(policy, url, answering(publicAddress))).toEqual([publicAddress])
    })
  }

  for (const { url, rule } of shapes) {
    test(`${shown(url)} is refused as ${rule}`, async () => {
      expect(await decide(egress(), url)).toMatchObject({ rule })
    })
  }

  for (const url of noUrls) {
    test(`${shown(url)} is no URL`, () => {
      expect(URL.parse(url)).toBeNull()
    })
  }
})

describe('ordinary URLs', () => {
  for (const url of publicUrls) {
    test(`${shown(url)} passes`, async () => {
      expect(await decide(egress(), url, answering(publicAddress, '2606:4700::1111'))).toBeArray()
    })
  }
})
