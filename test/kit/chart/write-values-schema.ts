/** Writes docker/chart/values.schema.json anew: `npm run chart:schema`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { valuesSchemaText } from './values-schema.ts'

writeFileSync(join(import.meta.dirname, '..', '..', '..', 'docker/chart/values.schema.json'), valuesSchemaText())
