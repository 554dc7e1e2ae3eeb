import {
  type AbortOptions,
  appError,
  type ErrorCode,
  hasCode,
  isAbort,
  toAppError,
} from '../../../../../lib/base/index.ts'
import { isJson, type Json, type Kube, type KubeObject, type Resource } from '../../../kubernetes/index.ts'
import type { FoundRecord } from '../../rules/plan.ts'
import { MOST_AT_ONCE, type Zone } from '../../zone.ts'

/** What external-dns carries to the DNS service of any cloud (`--source=crd`). */
export const dnsEndpoints: Resource = {
  ...{
    group: 'externaldns.k8s.io',
    version: 'v1alpha1',
    plural: 'dnsendpoints',
    kind: 'DNSEndpoint',
    namespaced: true,
  },
}

export interface DnsEndpointInit {
  /** Whose objects they are: an annotation of each. */
  readonly mark: string
}

const OWNER = 'shoal/owner'
const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'shoal-controller' }
const MAX_PAGES = 20

interface Endpoint {
  readonly name: string
  readonly ttl: number | undefined
  readonly targets: readonly string[]
}

/** One of our objects: all addresses of one name. */
interface OwnName extends Endpoint {
  readonly resourceVersion: string | undefined
}

type Kubernetes = Pick<Kube, 'namespace' | 'reads' | 'writes'>

/**
 * Objects for external-dns in the namespace of the controller, one for each name. An object without our annotation is not
 * changed; what it says of a name of ours is shown as somebody else's record.
 */
export function dnsEndpointZone({ kube }: { readonly kube: Kubernetes }, { mark }: DnsEndpointInit): Zone {
  const zone = new Objects(kube, mark)
  return {
    read: (names, options = {}) => asZone(() => zone.read(names, options)),
    put: (records, options = {}) =>
      asZone(() =>
        zone.change(records, options, (old, some) => ({
          ttl: some[0]?.ttl,
          targets: [...new Set([...old, ...some.map(({ address }) => address)])],
        })),
      ),
    remove: (records, options = {}) =>
      asZone(() =>
        zone.change(records, options, (old, some, ttl) => ({
          ttl,
          targets: old.filter((target) => !some.some(({ address }) => address === target)),
        })),
      ),
  }
}

type Change = (
  old: readonly string[],
  records: readonly Pick<FoundRecord, 'address' | 'ttl'>[],
  ttl: number | undefined,
) => Omit<Endpoint, 'name'>

class Objects {
  readonly #kube: Kubernetes
  readonly #mark: string

  constructor(kube: Kubernetes, mark: string) {
    this.#kube = kube
    this.#mark = mark
  }

  async read(names: readonly string[], options: AbortOptions): Promise<readonly FoundRecord[]> {
    const all = await this.#list(options)
    return all.flatMap((object) => {
      const own = this.#isOwn(object)
      const shown = endpointsOf(object).filter(({ name }) => own || names.includes(name))
      return shown.flatMap(({ name, ttl, targets }) => targets.map((address) => ({ name, address, ttl, own })))
    })
  }

  async change(
    records: readonly Pick<FoundRecord, 'name' | 'address' | 'ttl'>[],
    options: AbortOptions,
    change: Change,
  ): Promise<void> {
    const own = await this.#ownNames(options)
    for (const name of new Set(records.map((record) => record.name))) {
      const some = records.filter((record) => record.name === name)
      const old = own.get(name)
      const { ttl, targets } = change(old?.targets ?? [], some, old?.ttl)
      await this.#write({ name, ttl, targets }, old, options)
    }
  }

  async #write(now: Endpoint, old: OwnName | undefined, options: AbortOptions): Promise<void> {
    const { writes } = this.#kube
    const object = this.#objectOf(now, old?.resourceVersion)
    if (now.targets.length > 0) {
      await (old === undefined
        ? writes.create(dnsEndpoints, object, options)
        : writes.replace(dnsEndpoints, object, options))
      return
    }
    const { name } = object.metadata
    const version = old?.resourceVersion
    if (old !== undefined) await writes.remove(dnsEndpoints, { name }, { ...options, resourceVersion: version })
  }

  async #list(options: AbortOptions): Promise<readonly KubeObject[]> {
    const { namespace, reads } = this.#kube
    const all: KubeObject[] = []
    let next: string | undefined
    for (let pages = 0; pages < MAX_PAGES; pages += 1) {
      const query = { namespace, limit: MOST_AT_ONCE, ...(next !== undefined && { next }) }
      const page = await reads.page(dnsEndpoints, query, options)
      all.push(...page.objects)
      if (page.next === undefined) return all
      next = page.next
    }
    throw appError('ZONE_REFUSED', { message: 'the namespace has too many objects of the kind DNSEndpoint' })
  }

  async #ownNames(options: AbortOptions): Promise<ReadonlyMap<string, OwnName>> {
    const own = (await this.#list(options)).filter((object) => this.#isOwn(object))
    return new Map(
      own.flatMap((object) => {
        const { resourceVersion } = object.metadata
        return endpointsOf(object).map((endpoint) => [endpoint.name, { ...endpoint, resourceVersion }] as const)
      }),
    )
  }

  #isOwn({ metadata: { annotations = {} } }: KubeObject): boolean {
    return annotations[OWNER] === this.#mark
  }

  #objectOf({ name, ttl, targets }: Endpoint, resourceVersion: string | undefined): KubeObject {
    const { namespace } = this.#kube
    const annotations = { [OWNER]: this.#mark }
    const endpoint = { dnsName: name, recordType: 'A', ...(ttl !== undefined && { recordTTL: ttl }), targets }
    return {
      ...{ apiVersion: `${dnsEndpoints.group}/${dnsEndpoints.version}`, kind: dnsEndpoints.kind },
      metadata: {
        ...{ name: `${this.#mark.replaceAll(':', '-')}-${name}`, namespace, labels: MANAGED_BY, annotations },
        ...(resourceVersion !== undefined && { resourceVersion }),
      },
      spec: { endpoints: [endpoint] },
    }
  }
}

/** The A records of an object, of whoever it is. */
function endpointsOf({ spec }: KubeObject): readonly Endpoint[] {
  const { endpoints }: Json = isJson(spec) ? spec : {}
  if (!Array.isArray(endpoints)) return []
  return endpoints.flatMap((endpoint: unknown) => {
    const { dnsName: name, recordType: type, recordTTL: ttl, targets }: Json = isJson(endpoint) ? endpoint : {}
    if (typeof name !== 'string' || type !== 'A' || !Array.isArray(targets)) return []
    const addresses = targets.filter((target): target is string => typeof target === 'string')
    return [{ name, ttl: typeof ttl === 'number' ? ttl : undefined, targets: addresses }]
  })
}

const meanings: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  KUBE_UNAUTHORIZED: 'ZONE_DENIED',
  KUBE_FORBIDDEN: 'ZONE_DENIED',
  TLS_UNTRUSTED: 'ZONE_DENIED',
  KUBE_THROTTLED: 'ZONE_THROTTLED',
  KUBE_NOT_FOUND: 'ZONE_REFUSED',
  KUBE_INVALID: 'ZONE_REFUSED',
  // An object of that name which is not ours.
  KUBE_EXISTS: 'ZONE_REFUSED',
}

async function asZone<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (err) {
    const { code, message } = toAppError(err)
    if (isAbort(err) || hasCode(err, 'ZONE_REFUSED')) throw err
    throw appError(meanings[code] ?? 'ZONE_UNAVAILABLE', { message: `DNSEndpoint: ${message}`, cause: err })
  }
}
