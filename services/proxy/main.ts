import { processHost } from '../../lib/base/index.ts'
import { runService } from '../../lib/service/index.ts'
import { proxyDoor } from './index.ts'

process.exitCode = await runService(proxyDoor, process.argv.slice(2), processHost())
