import { lifecycle } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { type AccessComponents, openAccess } from './access.ts'
import type { KubernetesConfig } from './config.ts'
import type { Kube } from './kube.ts'
import { kubeReads } from './kube-reads.ts'
import { kubeWrites } from './kube-writes.ts'

/** Each watch has a connection of its own in its lane; calls of all roles share those of theirs. */
const CONNECTIONS = { control: 16, upload: 1, download: 64 }
const MAX_WAITING = 256
const CONNECT_MS = 5_000

/** A client of the API of one cluster. @throws CONFIG_INVALID when the config names no access */
export function openKube(components: AccessComponents, config: KubernetesConfig): Kube {
  const access = openAccess(components, config)
  const tls = {
    get now() {
      return access.now.tls
    },
  }
  const http = httpClient(components, {
    ...{ tls, connectionsPerOrigin: CONNECTIONS, maxWaiting: MAX_WAITING, connectTimeoutMs: CONNECT_MS },
    userAgent: 'shoal-controller',
  })
  const line = { http, access }
  return {
    ...lifecycle([access, http]),
    get namespace() {
      return access.now.namespace
    },
    reads: kubeReads(line),
    writes: kubeWrites(line),
  }
}
