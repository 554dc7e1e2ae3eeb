import { processHost } from '../../lib/base/index.ts'
import { runService } from '../../lib/service/index.ts'
import { buildIndexDoor } from './index.ts'

process.exitCode = await runService(buildIndexDoor, process.argv.slice(2), processHost())
