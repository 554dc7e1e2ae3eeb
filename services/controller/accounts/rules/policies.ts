import type { ControlPlaneSpec } from '../resource/config.ts'
import { ipBlock } from './cidr.ts'
import { componentFacts, componentNames, portOf } from './component.ts'
import { selectorOf } from './workloads.ts'

export interface PoliciesInit {
  readonly labels: Readonly<Record<string, string>>
  readonly namespace: string
  /** Where the controller is, which asks origins about their hand-over. */
  readonly controllerNamespace: string
  /** Of the pods and Services of the cluster: no network that an account names means them. */
  readonly clusterNetworks: readonly string[]
  readonly nameServers: readonly string[]
}

const DNS_PORT = 53
/** Where clouds keep credentials of machines. */
const METADATA = '169.254.0.0/16'

const tcp = (...ports: readonly number[]) => ports.map((port) => ({ protocol: 'TCP', port }))
const inNamespace = (name: string) => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } })
const blocks = (cidrs: readonly string[], excluded: readonly string[]) =>
  cidrs.flatMap((cidr) => {
    const block = ipBlock(cidr, excluded)
    return block === undefined ? [] : [{ ipBlock: block }]
  })

/** The port of the backend, by its endpoint. */
function backendPort({ backend: { endpoint } }: ControlPlaneSpec): number {
  if (endpoint === undefined) return 443
  const { port, protocol } = new URL(endpoint)
  return port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port)
}

/**
 * Nothing comes in and nothing goes out, but within the namespace, from and to the networks of the account, to name servers
 * and the backend, and from the controller.
 */
export function networkPolicies(spec: ControlPlaneSpec, init: PoliciesInit): readonly object[] {
  const { labels, namespace, clusterNetworks, nameServers } = init
  const policy = (name: string, rules: object, podSelector: object = {}) => ({
    metadata: { name, namespace, labels },
    spec: { podSelector, ...rules },
  })
  const clients = blocks(spec.network.allowedCidrs, [METADATA, ...clusterNetworks])
  const backends = blocks(spec.backend.networks, [METADATA, ...clusterNetworks])
  const inside = [{ podSelector: {} }]
  const dns = [inNamespace('kube-system'), ...nameServers.map((cidr) => ({ ipBlock: { cidr } }))]
  const dnsPorts = ['UDP', 'TCP'].map((protocol) => ({ protocol, port: DNS_PORT }))
  return [
    policy('deny-all', { policyTypes: ['Ingress', 'Egress'] }),
    policy('inside', {
      policyTypes: ['Ingress', 'Egress'],
      ...{ ingress: [{ from: inside }], egress: [{ to: inside }] },
    }),
    policy('dns', { policyTypes: ['Egress'], egress: [{ to: dns, ports: dnsPorts }] }),
    policy('backend', {
      policyTypes: ['Egress'],
      egress: backends.length === 0 ? [] : [{ to: backends, ports: tcp(backendPort(spec)) }],
    }),
    policy('controller', {
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [inNamespace(init.controllerNamespace)],
          ports: tcp(...componentNames.map((component) => portOf(component, 'admin'))),
        },
      ],
    }),
    ...componentNames.map((component) => {
      const { name, clientPorts } = componentFacts[component]
      const ports = tcp(...clientPorts.map((port) => portOf(component, port)))
      const isPeer = clientPorts.includes('peer')
      return policy(
        `clients-of-${name}`,
        {
          policyTypes: isPeer ? ['Ingress', 'Egress'] : ['Ingress'],
          ingress: clients.length === 0 ? [] : [{ from: clients, ports }],
          // Peers connect in both directions.
          ...(isPeer && { egress: clients.length === 0 ? [] : [{ to: clients }] }),
        },
        { matchLabels: selectorOf(component) },
      )
    }),
  ]
}
