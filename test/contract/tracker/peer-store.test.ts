import { describe } from '@jest/globals'
import { peerStoreContract } from './peer-store-contract.ts'

describe('a tracker without a store', () => peerStoreContract(() => ({})))
