import { processHost } from '../../lib/base/index.ts'
import { runService } from '../../lib/service/index.ts'
import { originDoor } from './index.ts'

process.exitCode = await runService(originDoor, process.argv.slice(2), processHost())
