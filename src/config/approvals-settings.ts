/** The settings of questions to people: where links lead, what signs them, and who is told of them. */
import { linkSecrets, webAddress } from './kinds.ts'
import { optional, secret } from './setting.ts'

/** How people are reached. */
export const approvalsSettings = {
  linkSecrets: secret(
    'APPROVAL_LINK_SECRET',
    linkSecrets,
    'Signs the links of approvers: the first signs, all are good for checking; without it there are no links.',
  ),
  notifyUrl: secret(
    'APPROVAL_NOTIFY_URL',
    webAddress,
    'Where the links go, one message for each approver, for your own program to pass on.',
  ),
  publicUrl: optional('PUBLIC_URL', webAddress, 'Where people reach this HTTP server; without it there are no links.'),
}
