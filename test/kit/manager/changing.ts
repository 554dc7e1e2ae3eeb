/** A program for tests of kills: makes users of a manager one after the other, and says each that is acknowledged. */
import { systemClock, systemRandom } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { databaseSchema, managerDatabase } from '../../../services/manager/database/index.ts'
import { userList } from '../../../services/manager/people/users.ts'

const [folder = '', run = ''] = process.argv.slice(2)
const parts = { clock: systemClock(), random: systemRandom(), logger: silentLogger(), metrics: silentMetrics() }
const database = managerDatabase(parts, { folder, database: databaseSchema.parse({}) })
await database.start()
const users = userList({ ...parts, database })
const root = { actor: 'admin', kind: 'secret', grants: [{ resource: '*', action: '*' }] } as const
for (let i = 0; ; i += 1) {
  const name = `u${run}-${i}`
  await users.create(root, { name, roles: ['reader'] })
  process.stdout.write(`${name}\n`)
}
