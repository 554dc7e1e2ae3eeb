import { memoryStorage } from '../../../lib/journal/index.ts'
import { powerLossStorage } from '../../kit/power-loss-storage.ts'
import { journalStorageSuite } from './journal-storage-suite.ts'

const dispose = () => Promise.resolve()

journalStorageSuite('in memory', async () => ({ storage: memoryStorage(), dispose }))

journalStorageSuite('that can lose its power', async () => ({ storage: powerLossStorage().storage, dispose }))
