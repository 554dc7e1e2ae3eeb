import { type OriginClient, originClient } from '../../../lib/api/index.ts'
import type { Cluster, Member } from '../../../lib/cluster/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Siblings } from './siblings.ts'

/** The other origins over HTTP. */
export function siblingClients(http: HttpClient, cluster: Cluster): Siblings {
  const clients = new Map(cluster.members.map(({ id, url }) => [id, originClient(http, url)]))
  const client = ({ id, url }: Member): OriginClient => clients.get(id) ?? originClient(http, url)
  return {
    read: (member, { namespace, digest }, options = {}) =>
      client(member).readBlob(namespace, digest, { ...options, hop: true, patient: true }),
    async holding(member, { namespace, digest }, options = {}) {
      const { size, ranges, ...rest } = await client(member).holding(namespace, digest, options)
      return { size, ranges: ranges.map(([start, end]) => ({ start, end })), ...rest }
    },
    readHeld: (member, { namespace, digest }, options) => client(member).readHeld(namespace, digest, options),
    async put(member, { namespace, digest }, { size, body }, { rank, signal } = {}) {
      await client(member).putBlob(namespace, digest, { size, body, signal, hop: true, writeBackRank: rank })
    },
  }
}
