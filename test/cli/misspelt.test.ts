import { expect, test } from 'bun:test'
import { misspeltSettings } from '../../src/cli/misspelt.ts'

test('a policy that is misspelt is named with what was probably meant', () => {
  expect(misspeltSettings({ EGRESS_ONLY_HOST: 'a.example', EGRESS_NOTHING: '1', HTTP_OKSTATUS: '2xx' })).toEqual([
    'EGRESS_ONLY_HOST is no setting and has no effect; did you mean EGRESS_ONLY_HOSTS?',
    'EGRESS_NOTHING is no setting and has no effect',
    'HTTP_OKSTATUS is no setting and has no effect; did you mean HTTP_OK_STATUS?',
  ])
  expect(misspeltSettings({ SQL_CONNECTION_crm: 'x', SQL_POOLSIZE: '5' })).toEqual([
    'SQL_CONNECTION_crm is no setting and has no effect; did you mean SQL_CONNECTION_CRM?',
    'SQL_POOLSIZE is no setting and has no effect; did you mean SQL_POOL_SIZE?',
  ])
  expect(misspeltSettings({ SECRET_github: 'x', worker_id: 'w' })).toEqual([
    'SECRET_github is no setting and has no effect; did you mean SECRET_GITHUB?',
    'worker_id is no setting and has no effect; did you mean WORKER_ID?',
  ])
})

test('settings, and what belongs to others, are nobody’s mistake', () => {
  const others = {
    PATH: '/bin',
    HOME: '/root',
    HTTP_PROXY: 'x',
    HTTPS_PROXY: 'x',
    NO_PROXY: 'x',
    LOG_DIR: 'x',
    PWD: '/',
  }
  const own = { NATS_URL: 'nats://a', EGRESS_ONLY_HOSTS: 'a.example', SECRET_A_B: 'long enough', SECRET_A_B_HOSTS: '*' }
  expect(misspeltSettings({ ...others, ...own })).toEqual([])
})
