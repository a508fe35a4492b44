import { deadLetterContract } from '../contract/dead-letter-store.contract.ts'
import { fileWorld } from './file-world.ts'

deadLetterContract('files', fileWorld)
