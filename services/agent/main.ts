import { processHost } from '../../lib/base/index.ts'
import { runService } from '../../lib/service/index.ts'
import { agentDoor } from './index.ts'

process.exitCode = await runService(agentDoor, process.argv.slice(2), processHost())
