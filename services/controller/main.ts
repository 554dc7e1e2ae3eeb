import { processHost } from '../../lib/base/index.ts'
import { runService } from '../../lib/service/index.ts'
import { controllerDoor } from './index.ts'

process.exitCode = await runService(controllerDoor, process.argv.slice(2), processHost())
