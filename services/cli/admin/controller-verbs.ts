import type { controllerAdmin } from '../../../lib/api/index.ts'
import { describeVerb } from './shared-verbs.ts'
import { ageText, fields, table } from './sheet.ts'
import type { VerbsOf } from './verb.ts'

export const controllerVerbs: VerbsOf<typeof controllerAdmin> = {
  leadership: {
    example: 'leadership',
    show({ access, lease, roles }, nowMs) {
      const state =
        lease === undefined
          ? fields({ cluster: access })
          : fields({
              cluster: access,
              lease: `${lease.namespace}/${lease.name}`,
              'this one': `${lease.identity}, ${lease.isLeading ? 'leads' : 'waits'}`,
              leader: lease.holder ?? 'nobody',
              changes: String(lease.transitions),
              seen: ageText(lease.seenAtMs, nowMs),
              failure: lease.failure ?? 'none',
            })
      const rows = table(roles, [
        ['ROLE', ({ name }) => name],
        ['STATE', ({ problem }) => problem ?? 'works'],
      ])
      return `${state}\n\n${rows}`
    },
  },
  ...describeVerb,
}
