import { request } from 'node:http'
import { expect, test } from '@jest/globals'
import { digestOf } from '../../lib/core/index.ts'
import { registryClient } from '../kit/registry-client.ts'
import { standingClock } from '../kit/shifted-clock.ts'
import { randomContent } from '../kit/store-fixture.ts'
import { startTopology } from '../kit/topology.ts'

/** Somebody who may push, and leaves what it began. */

const MB = 1_000_000
const shape = { agents: 0, origins: 1, trackers: 1, processes: [] }
const smallCluster = (...overrides: readonly string[]) => startTopology({ ...shape, overrides })

interface Listed {
  readonly uploads: readonly { readonly id: string; readonly client: string; readonly rest: string }[]
}

test('a push that found no room does not keep the store full for others', async () => {
  await using shoal = await smallCluster('origin.store.capacity=20MB', 'origin.store.minFree=0')
  const client = registryClient(shoal.url('proxy-1', 'registry'))
  const opened = await client.send('POST', '/v2/bugs/room/blobs/uploads/')
  const large = await client.send('PATCH', opened.headers.location ?? '', {
    body: Buffer.alloc(30 * MB),
    chunked: true,
  })
  expect([503, 507]).toContain(large.status)
  const { bytes, digest } = randomContent(3 * MB, 3)
  for (const name of ['bugs/room2', 'bugs/room3']) {
    expect((await client.pushBlob(name, digest, bytes)).status).toBe(201)
  }
  expect((await fetch(`${shoal.url('origin-1', 'ops')}/readyz`)).status).toBe(200)
})

test.each([
  ['any blob has', 2 ** 40 + 1, 413],
  ['the store may ever hold', 2 ** 40, 507],
])('an upload that says that it is larger than %s is refused before it is sent', async (_, size, status) => {
  await using shoal = await smallCluster()
  const proxy = registryClient(shoal.url('proxy-1', 'registry'))
  const opened = await proxy.send('POST', '/v2/bugs/huge/blobs/uploads/')
  const url = status === 413 ? `${shoal.url('proxy-1', 'registry')}${opened.headers.location ?? ''}` : undefined
  const origin = shoal.url('origin-1')
  const session = async () => {
    const answer = await fetch(`${origin}/namespace/bugs%2Fhuge/uploads`, { method: 'POST' })
    return `${origin}/namespace/bugs%2Fhuge/uploads/${((await answer.json()) as { id: string }).id}`
  }
  const refused = await new Promise<number | undefined>((resolve, reject) => {
    session().then((own) => {
      const headers = { 'content-length': size, 'x-shoal-offset': '0' }
      const req = request(url ?? own, { method: 'PATCH', headers, agent: false }, (res) => {
        resolve(res.statusCode)
        req.destroy()
      })
      req.on('error', reject).flushHeaders()
    }, reject)
  })
  expect(refused).toBe(status)
})

test('who opens uploads without end keeps nobody else from pushing', async () => {
  await using shoal = await startTopology({
    ...shape,
    overrides: ['origin.uploads.max=40', 'origin.uploads.clientShare=0.5'],
    // An upload that is quiet for ten seconds makes room.
    originParts: () => ({ clock: standingClock() }),
  })
  const attacker = registryClient(shoal.url('proxy-1', 'registry'), { from: '127.0.0.2' })
  const honest = registryClient(shoal.url('proxy-1', 'registry'), { from: '127.0.0.3' })
  const statuses: Record<number, number> = {}
  for (let round = 0; round < 4; round += 1) {
    const answers = await Promise.all(Array.from({ length: 25 }, () => attacker.send('POST', '/v2/x/blobs/uploads/')))
    for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1
  }
  expect(statuses).toEqual({ 202: 20, 503: 80 })
  const content = Buffer.from('honest')
  expect((await honest.pushBlob('team/app', digestOf(content), content)).status).toBe(201)

  const admin = `${shoal.url('origin-1', 'admin')}/uploads`
  const listed = async () => ((await (await fetch(admin)).json()) as Listed).uploads
  const [first] = await listed()
  expect(await listed()).toHaveLength(20)
  expect(first).toMatchObject({ client: '127.0.0.2', rest: 'used' })
  const cancel = () => fetch(`${admin}/${first?.id ?? ''}`, { method: 'DELETE' })
  expect([(await cancel()).status, (await cancel()).status]).toEqual([204, 404])
  expect(await listed()).toHaveLength(19)
})
