import { describe, expect, test } from '@jest/globals'
import { loadConfig } from '../../../lib/config/index.ts'
import { doors } from '../../../services/herd/index.ts'

const swarming = Object.values(doors).filter(({ kind }) => ['agent', 'origin', 'tracker'].includes(kind))
const load = (door: (typeof swarming)[number], ...overrides: readonly string[]) =>
  loadConfig(door.schema, { overrides: ['swarm.foreignPeers=true', ...overrides] })

describe.each(swarming)('stock BitTorrent clients at the service $kind', (door) => {
  test('are not let in unless the config says so', async () => {
    expect(await loadConfig(door.schema, {})).toMatchObject({ swarm: { foreignPeers: false } })
    expect(await load(door)).toMatchObject({ swarm: { foreignPeers: true } })
  })

  test('are refused beside secrets.node, which they cannot prove', async () => {
    const secret = 'secrets.node=a-secret-of-32-random-characters'
    await expect(load(door, secret)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('cannot prove secrets.node'),
    })
  })
})

describe.each(swarming.filter(({ kind }) => kind !== 'tracker'))('the peer port of the service $kind', (door) => {
  const certificate = ['tls.certificate=c.pem', 'tls.key=k.pem', 'tls.authorities=["a.pem"]']

  test.each(['auto', 'optional'])('takes no stock client where it speaks TLS (%s)', async (tls) => {
    await expect(load(door, ...certificate, `peer.tls=${tls}`)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('speak no TLS'),
    })
  })

  test('takes them where its TLS is off', async () => {
    expect(await load(door, ...certificate, 'peer.tls=off')).toMatchObject({ swarm: { foreignPeers: true } })
  })
})
