import type { Migration } from 'kysely'
import { audit } from './0001-audit.ts'
import { leases } from './0001-leases.ts'
import { people } from './0002-people.ts'
import { clusters } from './0003-clusters.ts'
import { jobs } from './0004-jobs.ts'
import { settings } from './0005-settings.ts'
import { lists } from './0006-lists.ts'
import { registryUsers } from './0007-registry-users.ts'
import { relations } from './0008-relations.ts'
import { auditFilters } from './0009-lists.ts'
import { hostsBehind } from './0010-hosts-behind.ts'
import { makers } from './0011-makers.ts'
import { outcomes } from './0011-outcomes.ts'

/** All steps from an empty database to the present tables, in order. A step that was released is never changed. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-audit': { up: audit },
  '0001-leases': { up: leases },
  '0002-people': { up: people },
  '0003-clusters': { up: clusters },
  '0004-jobs': { up: jobs },
  '0005-settings': { up: settings },
  '0006-lists': { up: lists },
  '0007-registry-users': { up: registryUsers },
  '0008-relations': { up: relations },
  '0009-lists': { up: auditFilters },
  '0010-hosts-behind': { up: hostsBehind },
  '0011-makers': { up: makers },
  '0011-outcomes': { up: outcomes },
}
