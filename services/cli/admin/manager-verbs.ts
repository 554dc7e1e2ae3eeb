import type { managerApi } from '../../../lib/api/index.ts'
import { managerClusterVerbs } from './manager-cluster-verbs.ts'
import { managerJobVerbs } from './manager-job-verbs.ts'
import { managerRegistryVerbs } from './manager-registry-verbs.ts'
import { managerRelationVerbs } from './manager-relation-verbs.ts'
import { settingVerbs } from './manager-settings-verbs.ts'
import { managerViewVerbs } from './manager-view-verbs.ts'
import { peopleVerbs } from './people-verbs.ts'
import { describeVerb } from './shared-verbs.ts'
import { ageText, table } from './sheet.ts'
import type { VerbsOf } from './verb.ts'

export const managerVerbs: VerbsOf<typeof managerApi> = {
  audit: {
    example: 'audit',
    show: ({ audit, next }, nowMs) =>
      table(audit, [
        ['WHEN', ({ atMs }) => ageText(atMs, nowMs)],
        ['WHO', ({ actor }) => actor],
        ['WHAT', ({ action }) => action],
        ['TARGET', ({ target }) => target],
        ['OUTCOME', ({ outcome, code }) => [outcome ?? '-', ...(code === undefined ? [] : [code])].join(' ')],
      ]) + (next === undefined ? '' : `\n\nmore: --last ${next}`),
  },
  ...managerJobVerbs,
  ...peopleVerbs,
  ...managerRegistryVerbs,
  ...managerClusterVerbs,
  ...managerRelationVerbs,
  ...managerViewVerbs,
  ...settingVerbs,
  ...describeVerb,
}
