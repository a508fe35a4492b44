import { expect, test } from 'bun:test'
import { JobError } from '../../src/errors.ts'
import type { Parking } from '../../src/exchange/parking.ts'
import type { Inquiry } from '../../src/handler.ts'
import { openLogger } from '../../src/observe/logger.ts'
import { StoreError } from '../../src/store/state-store.ts'
import { ParkingLot } from '../../src/worker/parking-lot.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { makeJob } from './make-job.ts'

const log = openLogger({ level: 'error', format: 'json', workerId: 'w', component: 'test', to: () => undefined })
const inquiry: Inquiry = {
  ...{ prompt: 'Shall we?', options: ['Approve'], approveOptions: ['Approve'], required: 1, approvers: [] },
  ...{ requester: undefined, noSelfApproval: false, expiresInMs: undefined, onTimeout: 'expire' },
  ...{ remindAfterMs: undefined, escalation: undefined, callbackUrl: undefined },
}

function open(parking: Partial<Parking> | undefined) {
  const clock = new FakeClock()
  const published: string[] = []
  const cancelled: string[] = []
  const reporter = {
    publish: async ({ body }: { readonly body: Uint8Array }) => {
      published.push(new TextDecoder().decode(body))
      return true
    },
  }
  const whole: Parking | undefined = parking && {
    park: async () => ({ state: 'waiting' }),
    cancel: async ({ assignmentId }) => {
      cancelled.push(assignmentId)
      return 'cancelled'
    },
    status: async () => undefined,
    health: () => 'ok',
    ...parking,
  }
  return {
    clock,
    published,
    cancelled,
    job: makeJob({ clock }),
    lot: new ParkingLot({ parking: whole, reporter, clock, log }),
  }
}

const unreachable = () => Promise.reject(new StoreError('unreachable', 'planted'))

test('a job that is kept is parked', async () => {
  const { lot, job } = open({})
  expect(await lot.park(job, inquiry)).toEqual({ kind: 'parked', inquiry })
  expect(lot.fingerprintOf(job.key)).toBeNumber()
})

test('where nothing is kept, and what can never be kept, is a failure', async () => {
  const { lot, job } = open(undefined)
  expect(await lot.park(job, inquiry)).toMatchObject({
    kind: 'failed',
    error: { code: 'PERMISSION_DENIED', retry: 'never' },
  })
  expect(await lot.cancel({ tenantId: 't', assignmentId: 'a' })).toBe(false)
  const full = open({ park: () => Promise.reject(new JobError('QUOTA_EXCEEDED', 'planted')) })
  expect(await full.lot.park(full.job, inquiry)).toMatchObject({ kind: 'failed', error: { code: 'QUOTA_EXCEEDED' } })
})

test('while it cannot be kept it is tried again, until the worker stops', async () => {
  let tries = 0
  const { lot, job, clock } = open({
    park: () => (++tries < 3 ? unreachable() : Promise.resolve({ state: 'waiting' })),
  })
  const parked = lot.park(job, inquiry)
  await clock.advance(2000)
  expect(await parked).toMatchObject({ kind: 'parked' })
  const other = open({ park: unreachable })
  const never = other.lot.park(other.job, inquiry)
  await other.clock.advance(60_000)
  other.job.stop('interrupted')
  expect(await never).toEqual({ kind: 'not-started', why: 'interrupted' })
})

test('a job that was cancelled meanwhile is cancelled where it is kept', async () => {
  const { lot, job, cancelled } = open({})
  job.stop('cancelled')
  expect(await lot.park(job, inquiry)).toMatchObject({ kind: 'parked' })
  expect(cancelled).toEqual([job.assignment.assignmentId])
})

test('what has ended is answered with the result that it got, once that was published', async () => {
  const result = { body: new TextEncoder().encode('{}'), headers: {} }
  for (const isPublished of [true, false]) {
    const { lot, job, published } = open({ park: async () => ({ state: 'ended', result, isPublished }) })
    expect(await lot.park(job, inquiry)).toMatchObject({ kind: 'parked' })
    expect(published).toEqual(isPublished ? ['{}'] : [])
  }
})

test('a store that does not answer is no reason to say that a job is unknown to be cancelled, or to fail', async () => {
  const { lot } = open({ cancel: unreachable, status: unreachable })
  expect(await lot.cancel({ tenantId: 't', assignmentId: 'a' })).toBe(false)
  expect(await lot.status({ tenantId: 't', assignmentId: 'a' })).toBeUndefined()
  expect(await lot.answerAgain({ tenantId: 't', assignmentId: 'a' })).toBe(false)
})
