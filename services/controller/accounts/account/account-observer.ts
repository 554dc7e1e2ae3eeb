import { type AppError, type ErrorCode, errorTable } from '../../../../lib/base/index.ts'
import type { Logger, Metrics } from '../../../../lib/telemetry/index.ts'
import type { KubeEvents } from '../../kubernetes/index.ts'
import { type ControlPlane, controlPlanes } from '../resource/control-plane.ts'
import type { Outcome } from './reconciler.ts'

/** Tells of looks at accounts in metrics, in the log, and as events of the resources. */
export interface AccountObserver {
  looked(plane: ControlPlane, outcome: Outcome): void
  failed(plane: ControlPlane, err: AppError): void
}

export interface AccountObserverComponents {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly events: KubeEvents
}

const MAX_WORDS = 1024
const isKubeCode = (code: ErrorCode): boolean => code.startsWith('KUBE_') && code in errorTable

export function accountObserver({ logger, metrics, events }: AccountObserverComponents): AccountObserver {
  const help = 'Looks at accounts, by how they ended.'
  const looks = metrics.counter({ name: 'shoal_accounts_looks_total', help }, ['outcome'])
  const written = metrics
    .counter({
      name: 'shoal_accounts_objects_written_total',
      help: 'Objects of accounts that were applied or removed.',
    })
    .with({})
  const aboutOf = ({ name, namespace, uid, resourceVersion }: ControlPlane) => ({
    resource: controlPlanes,
    object: { metadata: { name, namespace, uid, resourceVersion } },
  })
  return {
    looked(plane, { state, trouble, written: count }) {
      looks.with({ outcome: state }).add()
      written.add(count)
      const fields = { account: plane.name, namespace: plane.namespace }
      if (count > 0) logger.info('applied objects of an account', { ...fields, objects: count })
      if (trouble === undefined) return
      logger.warn('an account cannot become as it is to be', { ...fields, reason: trouble.reason })
      const message = trouble.message.slice(0, MAX_WORDS)
      events.tell({ about: aboutOf(plane), type: 'Warning', reason: trouble.reason, message })
    },
    failed(plane, err) {
      looks.with({ outcome: isKubeCode(err.code) ? 'api' : 'failed' }).add()
      logger.warn('a look at an account failed', { account: plane.name, namespace: plane.namespace, err })
    },
  }
}
