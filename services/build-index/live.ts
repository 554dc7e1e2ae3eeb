import { isDeepStrictEqual } from 'node:util'
import { type LiveKey, type LiveKeysOf, type LiveSettings, liveSettings } from '../../lib/api/index.ts'
import { decidesConditions } from '../../lib/backend/index.ts'
import { appError } from '../../lib/base/index.ts'
import type { Runtime } from '../../lib/service/index.ts'
import type { BuildIndexConfig } from './config.ts'
import type { LinkMemory } from './link-memory.ts'
import type { LookerRules, Lookers } from './open-lookers.ts'

export interface BuildIndexLiveParts extends Pick<Runtime, 'setLogLevel'> {
  readonly links: Pick<LinkMemory, 'setTtl'>
  readonly lookers: Pick<Lookers, 'garbage' | 'obey'>
}

/** What obeys each key of a build-index that changes while it runs. */
export function buildIndexLive(
  { links, lookers, setLogLevel }: BuildIndexLiveParts,
  config: BuildIndexConfig,
): LiveSettings {
  const { garbage, retention, log, linkMemory } = config
  const rules = rulesTogether(lookers, config)
  const ofGarbage = <Name extends keyof LookerRules['garbage']>(name: Name): LiveKey<LookerRules['garbage'][Name]> => ({
    file: garbage[name],
    set: (value) => rules.note({ garbage: { [name]: value } }),
  })
  const ofRetention = <Name extends keyof LookerRules['retention']>(
    name: Name,
  ): LiveKey<LookerRules['retention'][Name]> => ({
    file: retention[name],
    set: (value) => rules.note({ retention: { [name]: value } }),
  })
  const keys: LiveKeysOf<'build-index'> = {
    log: { file: log, set: setLogLevel },
    linkMemory: { file: linkMemory, set: (ttlMs) => links.setTtl(ttlMs) },
    'garbage.interval': ofGarbage('interval'),
    'garbage.grace': ofGarbage('grace'),
    'garbage.remove': ofGarbage('remove'),
    'garbage.rate': ofGarbage('rate'),
    'retention.interval': ofRetention('interval'),
    'retention.remove': ofRetention('remove'),
    'retention.rules': ofRetention('rules'),
    'retention.protect': ofRetention('protect'),
    'retention.untagged': ofRetention('untagged'),
    'retention.rate': ofRetention('rate'),
  }
  return liveSettings('build-index', keys, rules)
}

type Noted = { readonly [Part in keyof LookerRules]?: Partial<LookerRules[Part]> }

/** Rules of looks that change one after another, and hold together: no look goes by some of them alone. */
function rulesTogether({ garbage, obey }: BuildIndexLiveParts['lookers'], { backend, ...config }: BuildIndexConfig) {
  let now: LookerRules = { garbage: config.garbage, retention: config.retention }
  let next = now
  const assertPossible = ({ garbage: { remove }, retention }: LookerRules) => {
    if (garbage === undefined)
      throw appError('UNSUPPORTED', { message: 'the index is a registry of others, which has rules of its own' })
    if ((remove || retention.remove) && !decidesConditions(backend))
      throw appError('UNSUPPORTED', {
        message: 'nothing may be removed in a backend without conditional writes and deletions',
      })
  }
  return {
    note(changed: Noted) {
      next = {
        garbage: { ...next.garbage, ...changed.garbage },
        retention: { ...next.retention, ...changed.retention },
      }
    },
    /** @throws UNSUPPORTED, and nothing has changed; then what was noted is to be noted as before */
    settle() {
      if (isDeepStrictEqual(next, now)) return
      assertPossible(next)
      now = next
      obey(now)
    },
  }
}
