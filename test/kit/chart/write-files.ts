/** Writes the files of docker/chart that are made: `npm run chart`. A test says when that was forgotten. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dashboards, dashboardText } from './dashboards.ts'
import { valuesSchemaText } from './values-schema.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'docker', 'chart')
writeFileSync(join(folder, 'values.schema.json'), valuesSchemaText())
for (const name of Object.keys(dashboards))
  writeFileSync(join(folder, 'files', 'dashboards', `${name}.json`), dashboardText(name))
