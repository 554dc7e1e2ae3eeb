import { join } from 'node:path'
import { type AccessSource, textOfFile, tokenIn } from './access-texts.ts'
import type { KubernetesConfig } from './config.ts'

/** As a pod reaches the API: with the files that the kubelet keeps for its service account. */
export function serviceAccountAccess({
  server,
  serviceAccount,
  namespace: given,
}: Pick<KubernetesConfig, 'server' | 'serviceAccount' | 'namespace'>): AccessSource {
  const files = {
    token: join(serviceAccount, 'token'),
    authorities: join(serviceAccount, 'ca.crt'),
    namespace: join(serviceAccount, 'namespace'),
  }
  return async () => {
    const [token, authorities, namespace] = await Promise.all([
      textOfFile(files.token, 'the token'),
      textOfFile(files.authorities, 'the authorities'),
      given ?? textOfFile(files.namespace, 'the namespace'),
    ])
    return {
      ...{ server, namespace: namespace.trim(), token: tokenIn(token, files.token) },
      tls: { certificate: undefined, key: undefined, authorities: [authorities] },
    }
  }
}
