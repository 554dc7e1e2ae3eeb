import { readFile } from 'node:fs/promises'
import { silentLogger } from '../../lib/telemetry/index.ts'
import { type HerdPlan, herdService } from '../../services/herd/index.ts'

/* Runs the services of a plan in this process: service-host.ts <plan.json> [override...]. Prints `ready`. */
const [path = '', ...overrides] = process.argv.slice(2)
const plan = JSON.parse(await readFile(path, 'utf8')) as HerdPlan
const { service } = await herdService({ logger: silentLogger(), onPull: () => undefined }, { plan, overrides })
await service.start()
process.on('SIGTERM', () => void service.stop().finally(() => process.exit()))
process.stdout.write('ready\n')
