/** Writes test/fixtures/manager/schema-N.jsonl: rows of every table of a backup as they are now. Run it at a release. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { backUp, databaseSchema, managerDatabase } from '../../../services/manager/database/index.ts'
import { migrations } from '../../../services/manager/database/migrations/index.ts'
import { inBackups } from '../../../services/manager/database/tables.ts'
import { tempFolder } from '../temp-folder.ts'
import { fillClusters, fillJobs, fillPeople, fillRegistry, fillSettings } from './schema-rows.ts'

await using folder = await tempFolder('fixture')
const parts = {
  ...{ clock: fakeClock(1_795_000_000_000), random: seededRandom(1) },
  ...{ logger: silentLogger(), metrics: silentMetrics() },
}
const init = { folder: folder.path, database: databaseSchema.parse({}) }
const database = managerDatabase(parts, init)
await database.start()
const components = { ...parts, database }
await fillPeople(components)
const clusters = await fillClusters(components)
await fillJobs(components, clusters)
await fillSettings(components)
await fillRegistry(components, clusters)
await database.stop()
const lines: string[] = []
await backUp(parts, init, async (line) => void lines.push(line))
const filled = new Set(lines.map((line) => (JSON.parse(line) as { readonly table?: string }).table))
const missing = Object.entries(inBackups).flatMap(([table, keys]) => (keys && !filled.has(table) ? [table] : []))
if (missing.length > 0) throw new Error(`no rows of ${missing.join(', ')}: fill them in schema-rows.ts`)
const target = join(import.meta.dirname, '..', '..', 'fixtures', 'manager')
await mkdir(target, { recursive: true })
await writeFile(join(target, `schema-${Object.keys(migrations).length}.jsonl`), lines.join(''))
