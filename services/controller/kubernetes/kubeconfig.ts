import { dirname, resolve } from 'node:path'
import { appError } from '../../../lib/base/index.ts'
import { parseConfigText, refuseReadable } from '../../../lib/config/index.ts'
import { isLoopback } from '../../../lib/identity/index.ts'
import { type AccessSource, textOfFile, tokenIn } from './access-texts.ts'
import { type Kubeconfig, kubeconfigSchema } from './config.ts'

/** A file as `kubectl` reads it, and which of its contexts counts. */
export interface KubeconfigInit {
  readonly kubeconfig: string
  readonly context?: string | undefined
  /** Counts instead of that of the context. */
  readonly namespace?: string | undefined
}

type Cluster = Kubeconfig['clusters'][number]['cluster']
type User = Kubeconfig['users'][number]['user']

const DEFAULT_NAMESPACE = 'default'

/**
 * As a kubeconfig says: by token, token file or client certificate. What would need another program, or would make the
 * connection less safe than it looks, is refused with its name.
 */
export function kubeconfigAccess({ kubeconfig: file, context: wanted, namespace }: KubeconfigInit): AccessSource {
  const refuse = (message: string): never => {
    throw appError('CONFIG_INVALID', { message: `${file}: ${message}` })
  }
  const named = <T extends { readonly name: string }>(list: readonly T[], name: string, what: string): T =>
    list.find((entry) => entry.name === name) ?? refuse(`there is no ${what} ${JSON.stringify(name)}`)

  return async () => {
    await refuseReadable(file, 'the kubeconfig')
    const config = parseConfigText(kubeconfigSchema, await textOfFile(file, 'the kubeconfig'), file)
    const name = wanted ?? config['current-context'] ?? ''
    if (name === '') refuse('it has no current-context; name one in kubernetes.context')
    const { context } = named(config.contexts, name, 'context')
    const { cluster } = named(config.clusters, context.cluster, 'cluster')
    const { user } = named(config.users, context.user, 'user')
    for (const [keys, of] of [[refusedOfClusters, cluster] as const, [refusedOfUsers, user] as const]) {
      const found = Object.entries(keys).find(([key]) => isGiven(Reflect.get(of, key)))
      if (found !== undefined) refuse(`${found[0]} is not supported: ${found[1]}`)
    }
    const files = filesFrom(dirname(resolve(file)))
    const texts = await files.of(cluster, user)
    const { protocol, hostname } = new URL(cluster.server)
    if (protocol === 'http:' && !isLoopback(hostname)) refuse('the server must be called by https')
    if ((texts.tls.certificate === undefined) !== (texts.tls.key === undefined))
      refuse('client-certificate and client-key belong together')
    return { server: cluster.server, namespace: namespace ?? context.namespace ?? DEFAULT_NAMESPACE, ...texts }
  }
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== false && value !== null

const refusedOfClusters: Readonly<Record<string, string>> = {
  'insecure-skip-tls-verify': 'give its authorities in certificate-authority',
  'tls-server-name': 'call the server by a name that its certificate has',
  'proxy-url': 'the controller must reach the server itself',
}

const needsToken = 'give the token of a service account (kubectl create token) or a client certificate'
const refusedOfUsers: Readonly<Record<string, string>> = {
  exec: `it runs another program; ${needsToken}`,
  'auth-provider': `it runs another program; ${needsToken}`,
  username: `servers take no passwords any more; ${needsToken}`,
  as: 'the controller acts as nobody else',
}

/** Reads what stands in the kubeconfig, or in files whose paths begin at its folder. */
const filesFrom = (folder: string) => {
  const pem = async (data: string | undefined, path: string | undefined, what: string) => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8')
    return path === undefined ? undefined : textOfFile(resolve(folder, path), what)
  }
  const tokenOf = async ({ token, tokenFile }: User): Promise<string | undefined> => {
    if (tokenFile === undefined) return token === undefined ? undefined : tokenIn(token, 'the user')
    const path = resolve(folder, tokenFile)
    return tokenIn(await textOfFile(path, 'the token'), path)
  }
  return {
    async of(cluster: Cluster, user: User) {
      const [authorities, certificate, key, token] = await Promise.all([
        pem(cluster['certificate-authority-data'], cluster['certificate-authority'], 'the authorities'),
        pem(user['client-certificate-data'], user['client-certificate'], 'the certificate'),
        pem(user['client-key-data'], user['client-key'], 'the key'),
        tokenOf(user),
      ])
      return { token, tls: { certificate, key, authorities: authorities === undefined ? [] : [authorities] } }
    },
  }
}
