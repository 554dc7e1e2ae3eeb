import { describe, expect, test } from '@jest/globals'
import { dnsEndpoints, dnsEndpointZone } from '../../../services/controller/names/index.ts'
import { kubeClient } from '../../kit/kube-lab.ts'
import { kubeServer } from '../../kit/kube-server/kube-server.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { type ZoneWorld, zoneSuite } from './zone-suite.ts'

const MARK = 'shoal:one'

interface Stored {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
  readonly spec?: { readonly endpoints?: readonly { readonly dnsName: string; readonly targets: readonly string[] }[] }
}

const open = () =>
  buildResource(async (stack) => {
    const server = stack.own(await kubeServer({ kinds: [{ ...dnsEndpoints, hasStatus: true }] }))
    const kube = await kubeClient(stack, { server: server.url, user: { token: 'admin' }, namespace: 'default' })
    const all = () => server.state.all(dnsEndpoints) as unknown as readonly Stored[]
    return {
      server,
      zone: (mark = MARK) => dnsEndpointZone({ kube }, { mark }),
      foreign: async (records) => {
        for (const [i, { name, address, ttl }] of records.entries())
          server.state.put(dnsEndpoints, {
            metadata: { name: `by-hand-${i}`, namespace: 'default' },
            spec: { endpoints: [{ dnsName: name, recordType: 'A', recordTTL: ttl, targets: [address] }] },
          })
      },
      addresses: async (name) =>
        all().flatMap(({ spec }) =>
          (spec?.endpoints ?? []).flatMap(({ dnsName, targets }) => (dnsName === name ? targets : [])),
        ),
      others: async () =>
        JSON.stringify(all().filter(({ metadata: { annotations = {} } }) => annotations['shoal/owner'] !== MARK)),
      breakOff: () => server.kill(),
    } satisfies Omit<ZoneWorld, typeof Symbol.asyncDispose> & Record<string, unknown>
  })

zoneSuite('dnsendpoint', { open, keepsTtl: true })

describe('objects for external-dns', () => {
  test('are not written without the right to, nor over one of somebody else', async () => {
    await using world = await open()
    const record = { name: 'c1.p2p.test', address: '10.0.0.1', ttl: 10 }
    const object = { metadata: { name: 'shoal-one-c1.p2p.test', namespace: 'default' }, spec: { endpoints: [] } }
    world.server.state.put(dnsEndpoints, object)
    await expect(world.zone().put([record])).rejects.toMatchObject({ code: 'ZONE_REFUSED' })
    world.server.allows = ({ verb }) => verb !== 'create'
    await expect(world.zone().put([{ ...record, name: 'c2.p2p.test' }])).rejects.toMatchObject({ code: 'ZONE_DENIED' })
  })
})
