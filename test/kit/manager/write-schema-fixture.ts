/** Writes test/fixtures/manager/schema-N.jsonl: rows of every kind in the tables as they are now. Run it at a release. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fakeClock, seededRandom } from '../../../lib/base/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { backUp, databaseSchema, managerDatabase } from '../../../services/manager/database/index.ts'
import { migrations } from '../../../services/manager/database/migrations/index.ts'
import { linkList } from '../../../services/manager/people/links.ts'
import { passwords } from '../../../services/manager/people/passwords.ts'
import { roleList } from '../../../services/manager/people/roles.ts'
import { callingUserOf } from '../../../services/manager/people/sessions.ts'
import { tokenList } from '../../../services/manager/people/tokens.ts'
import { userList } from '../../../services/manager/people/users.ts'
import { tempFolder } from '../temp-folder.ts'

const root = { actor: 'admin', kind: 'secret', grants: [{ resource: '*', action: '*' }] } as const
const DAY_MS = 86_400_000

await using folder = await tempFolder('fixture')
const clock = fakeClock(1_795_000_000_000)
const parts = { clock, random: seededRandom(1), logger: silentLogger(), metrics: silentMetrics() }
const init = { folder: folder.path, database: databaseSchema.parse({}) }
const database = managerDatabase(parts, init)
await database.start()
const components = { ...parts, database }
const password = await passwords({ cost: 4, block: 1, parallel: 1 }).hash('correct horse battery', {})
const grants = [{ resource: 'jobs', action: 'write' }] as const
await roleList(components).set(root, { name: 'warmer', what: 'preheats', grants: [...grants] }, () => undefined)
const users = userList(components)
await users.create(root, { name: 'ada', roles: ['admin', 'warmer'], password })
await users.create(root, { name: 'corp', roles: ['reader'], provider: { name: 'corp', subject: 's-1' } })
await users.change(root, 'corp', { disabled: true }, () => undefined)
const row = await database.read.selectFrom('users').selectAll().where('name', '=', 'ada').executeTakeFirstOrThrow()
const { user } = await callingUserOf(database.read, row)
const token = { name: 'ci', grants: [...grants], expiresAtMs: clock.now() + DAY_MS }
await tokenList(components, { longest: 10 * DAY_MS }).create(root, user, token)
await linkList(components).invites.make(root, ['reader'])
await database.stop()
const lines: string[] = []
await backUp(parts, init, async (line) => void lines.push(line))
const target = join(import.meta.dirname, '..', '..', 'fixtures', 'manager')
await mkdir(target, { recursive: true })
const path = join(target, `schema-${Object.keys(migrations).length}.jsonl`)
await rm(path, { force: true })
await writeFile(path, lines.join(''))
