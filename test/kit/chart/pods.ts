import type { Manifest } from './helm.ts'

/** The part of a container that tests read. */
export interface Container {
  readonly name: string
  readonly args?: readonly string[]
  readonly command?: readonly string[]
  readonly env?: readonly {
    readonly name: string
    readonly value?: string
    readonly valueFrom?: {
      readonly fieldRef?: { readonly fieldPath: string }
      readonly secretKeyRef?: { readonly name: string; readonly key: string }
    }
  }[]
  readonly readinessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } }
  readonly ports?: readonly {
    readonly name: string
    readonly containerPort: number
    readonly hostPort?: number
    readonly hostIP?: string
  }[]
  readonly securityContext?: {
    readonly runAsUser?: number
    readonly runAsNonRoot?: boolean
    readonly allowPrivilegeEscalation?: boolean
    readonly readOnlyRootFilesystem?: boolean
    readonly privileged?: boolean
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] }
  }
  readonly resources?: { readonly requests?: object; readonly limits?: object }
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
}

/** The part of a pod that tests read. */
export interface PodSpec {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly { readonly name: string; readonly [kind: string]: unknown }[]
  readonly serviceAccountName?: string
  readonly automountServiceAccountToken?: boolean
  readonly securityContext?: Container['securityContext'] & { readonly seccompProfile?: { readonly type: string } }
  readonly priorityClassName?: string
  readonly affinity?: object
  readonly hostNetwork?: boolean
  readonly terminationGracePeriodSeconds?: number
}

/** A pod that a manifest makes, and which manifest that is. */
export interface MadePod {
  readonly of: string
  readonly labels: Readonly<Record<string, string>>
  readonly spec: PodSpec
}

interface Templated {
  readonly spec?: {
    readonly template?: { readonly metadata: { readonly labels?: Record<string, string> }; readonly spec: PodSpec }
  }
}

/** Every pod of the manifests, those of hooks and tests included. */
export function podsOf(all: readonly Manifest[]): readonly MadePod[] {
  return all.flatMap((manifest) => {
    const of = `${manifest.kind} ${manifest.metadata.name}`
    if (manifest.kind === 'Pod') return [{ of, labels: {}, spec: manifest['spec'] as PodSpec }]
    const template = (manifest as Templated).spec?.template
    return template === undefined ? [] : [{ of, labels: template.metadata.labels ?? {}, spec: template.spec }]
  })
}

/** The variables of a container; `known` says what the kubelet would put where one has no value of its own. */
export function expanded(
  { env = [] }: Container,
  known: (one: NonNullable<Container['env']>[number]) => string,
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const one of env)
    found[one.name] = one.value?.replaceAll(/\$\((\w+)\)/g, (all, name: string) => found[name] ?? all) ?? known(one)
  return found
}

export const containersOf = ({ containers, initContainers = [] }: PodSpec): readonly Container[] => [
  ...initContainers,
  ...containers,
]
