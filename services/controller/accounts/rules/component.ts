import { defaultPorts, serviceFacts } from '../../../../lib/service/index.ts'

/** The services of an account, in the order in which they are upgraded. */
export const componentNames = ['buildIndex', 'tracker', 'origin'] as const
export type Component = (typeof componentNames)[number]

/** What is known of a service before it runs. */
export interface ComponentFacts {
  /** Of its StatefulSet, its Services and its pods. */
  readonly name: string
  /** For people. */
  readonly many: string
  /** As the spec and the status of an account have it. */
  readonly key: 'buildIndexes' | 'trackers' | 'origins'
  /** Its ports by name, as Kubernetes has them. */
  readonly ports: Readonly<Record<string, number>>
  /** Those of them that clients of the account call. */
  readonly clientPorts: readonly string[]
}

const factsOf = (component: Component, clientPorts: readonly string[]): ComponentFacts => {
  const { name } = serviceFacts(component)
  const key = ({ buildIndex: 'buildIndexes', tracker: 'trackers', origin: 'origins' } as const)[component]
  return {
    name,
    key,
    many: name === 'build-index' ? 'build-indexes' : `${name}s`,
    ports: defaultPorts(component),
    clientPorts,
  }
}

/** The same for each component. */
export const byComponent = <T>(of: (component: Component) => T): Readonly<Record<Component, T>> => ({
  buildIndex: of('buildIndex'),
  tracker: of('tracker'),
  origin: of('origin'),
})

export const componentFacts = byComponent((component) =>
  factsOf(component, component === 'origin' ? ['http', 'peer'] : ['http']),
)

export const portOf = (component: Component, listener: string): number => componentFacts[component].ports[listener] ?? 0
