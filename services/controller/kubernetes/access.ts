import { appError, type Clock, clientContext, type Startable } from '../../../lib/base/index.ts'
import { watched } from '../../../lib/identity/index.ts'
import type { Logger } from '../../../lib/telemetry/index.ts'
import type { AccessSource, AccessTexts } from './access-texts.ts'
import type { KubernetesConfig } from './config.ts'
import { kubeconfigAccess } from './kubeconfig.ts'
import { serviceAccountAccess } from './service-account.ts'

/** The way to the API while the process runs: tokens and certificates are replaced in their files. */
export interface Access extends Startable {
  /** The same object until something has changed. */
  readonly now: AccessTexts
  /** @throws CONFIG_INVALID */
  start(): Promise<void>
}

export interface AccessComponents {
  readonly clock: Clock
  readonly logger: Logger
}

/** Pause between two looks at the files, milliseconds: the kubelet replaces a token long before its end. */
const LOOK_MS = 5_000

/** Files that make no sense later change nothing: the log says so. @throws CONFIG_INVALID when the config names no access */
export function openAccess({ clock, logger }: AccessComponents, config: KubernetesConfig): Access {
  const files = watched(
    { clock },
    {
      read: sourceOf(config),
      textOf: (texts) => JSON.stringify(texts),
      parse: usable,
      pauseMs: LOOK_MS,
      onTaken({ isFirst }) {
        if (!isFirst) logger.info('took changed files of access to kubernetes')
      },
      onRefused: (err) =>
        logger.warn('the files of access to kubernetes cannot be used; what they said before stays in force', { err }),
    },
  )
  return {
    get now() {
      const { value } = files
      if (value === undefined) throw appError('UNKNOWN', { message: 'the access to kubernetes has not been read yet' })
      return value
    },
    start: () => files.start(),
    stop: () => files.stop(),
  }
}

function sourceOf(config: KubernetesConfig): AccessSource {
  const { access, kubeconfig } = config
  if (access === 'cluster') return serviceAccountAccess(config)
  if (access === 'kubeconfig' && kubeconfig !== undefined) return kubeconfigAccess({ ...config, kubeconfig })
  throw appError('CONFIG_INVALID', { message: 'kubernetes.access is off, so there is no cluster to talk to' })
}

/** @throws CONFIG_INVALID for certificates and keys of which no connection can be made */
function usable(texts: AccessTexts): AccessTexts {
  try {
    clientContext(texts.tls)
    return texts
  } catch (err) {
    const message =
      'the certificates of access to kubernetes cannot be used: they are no PEM, or the key is another one'
    throw appError('CONFIG_INVALID', { message, cause: err })
  }
}
