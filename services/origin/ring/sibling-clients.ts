import { type OriginClient, originClient } from '../../../lib/api/index.ts'
import { type Cluster, type Member, memberClients } from '../../../lib/cluster/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import type { Siblings } from './siblings.ts'

/** The other origins over HTTP. */
export function siblingClients(http: HttpClient, cluster: Cluster): Siblings {
  const clients = memberClients(cluster, (url) => originClient(http, url))
  const client = (member: Member): OriginClient => clients.of(member)
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
