import { processHost } from '../../lib/base/index.ts'
import { runService } from '../../lib/service/index.ts'
import { managerDoor } from './index.ts'

process.exitCode = await runService(managerDoor, process.argv.slice(2), processHost())
