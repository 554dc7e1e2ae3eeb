import { processHost } from '../../lib/base/index.ts'
import { runService } from '../../lib/service/index.ts'
import { trackerDoor } from './index.ts'

process.exitCode = await runService(trackerDoor, process.argv.slice(2), processHost())
