import { type OriginClient, originClient } from '../../../lib/api/index.ts'
import type { Cluster, Member } from '../../../lib/cluster/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Siblings } from './siblings.ts'

/** The other origins over HTTP. */
export function siblingClients(http: HttpClient, cluster: Cluster): Siblings {
  const clients = new Map(cluster.members.map(({ id, url }) => [id, originClient(http, url)]))
  const client = ({ id, url }: Member): OriginClient => clients.get(id) ?? originClient(http, url)
  return {
    read: (member, { repository, digest, as }, options = {}) =>
      client(member).readBlob(repository, digest, { ...options, as, hop: true, patient: true }),
    async size(member, { repository, digest, as }, { signal } = {}) {
      return (await client(member).statBlob(repository, digest, { as, hop: true, signal }))?.size
    },
    async holding(member, { repository, digest }, options = {}) {
      const { size, ranges, ...rest } = await client(member).holding(repository, digest, options)
      return { size, ranges: ranges.map(([start, end]) => ({ start, end })), ...rest }
    },
    readHeld: (member, { repository, digest }, options) => client(member).readHeld(repository, digest, options),
    async put(member, { repository, digest }, { size, body }, { rank, signal } = {}) {
      await client(member).putBlob(repository, digest, { size, body, signal, hop: true, writeBackRank: rank })
    },
  }
}
