import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { createServer, request } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { expect, test } from '@jest/globals'
import { cipherBytes } from '../../kit/cipher-bytes.ts'
import { buildResource } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'
import { testAuthority } from '../../kit/tls-authority.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const content = cipherBytes('a model behind TLS', 3_000_000)

/** A web server with TLS, two agents that look into tunnels to it, and an origin that may bring what it has. */
function startLab() {
  return buildResource(async (stack) => {
    const folder = stack.own(await tempFolder('inspected')).path
    await mkdir(folder, { recursive: true })
    const [operator, real] = [testAuthority('operator'), testAuthority('real')]
    const files = { certificate: join(folder, 'ca.crt'), key: join(folder, 'ca.key'), real: join(folder, 'real.crt') }
    await writeFile(files.key, operator.key, { mode: 0o600 })
    await writeFile(files.certificate, operator.certificate)
    await writeFile(files.real, real.certificate)
    const { certificate, key } = real.issue()
    const gets: string[] = []
    const server = createServer({ cert: certificate, key }, ({ method, url = '' }, res) => {
      if (method === 'GET') gets.push(url)
      res.setHeader('etag', '"1"').setHeader('content-length', content.length)
      res.end(method === 'HEAD' ? undefined : content)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    stack.own({
      async [Symbol.asyncDispose]() {
        server.close()
        server.closeAllConnections()
      },
    })
    const { port } = server.address() as AddressInfo
    const there = { host: 'localhost', ports: [port], inner: true, ca: files.real }
    const forward = {
      hosts: [there],
      rules: [{ host: 'localhost', path: '^/models/', as: 'blob' }],
      inspect: { hosts: ['localhost'], ca: { certificate: files.certificate, key: files.key } },
    }
    const shoal = stack.own(
      await startTopology({
        ...{ agents: 2, origins: 1, trackers: 1, processes: [] },
        overrides: [
          `agent.registry.forward=${JSON.stringify(forward)}`,
          `origin.urls.rules=${JSON.stringify([there])}`,
        ],
      }),
    )
    return { shoal, gets, authority: `localhost:${port}`, operator }
  })
}

/** What a client gets of a host inside of a tunnel through an agent, if it trusts only that authority. */
async function insideOf(shoal: Topology, agent: string, authority: string, init: { path: string; ca: string }) {
  const { hostname, port } = new URL(shoal.url(agent, 'registry'))
  const asked = plainRequest({ hostname, port, method: 'CONNECT', path: authority, headers: { host: authority } }).end()
  const [, tunnel] = (await once(asked, 'connect')) as [IncomingMessage, Socket]
  const socket = connect({ socket: tunnel, ca: init.ca, servername: 'localhost' })
  try {
    const headers = { host: authority, connection: 'close' }
    const sent = request({ createConnection: () => socket, path: init.path, headers }).end()
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: answer.statusCode, body: await buffer(answer) }
  } finally {
    socket.destroy()
    tunnel.destroy()
  }
}

test('what two clients ask for inside of TLS that is looked into comes through the cluster, and once from its host', async () => {
  await using lab = await startLab()
  const { shoal, gets, authority, operator } = lab
  const init = { path: '/models/weights?v=1', ca: operator.certificate }
  for (const agent of ['agent-1', 'agent-2']) {
    const { status, body } = await insideOf(shoal, agent, authority, init)
    expect([status, body.equals(content)]).toEqual([200, true])
  }
  expect(gets).toEqual(['/models/weights?v=1'])
  // What no rule brings into the swarm is relayed, each time.
  for (const agent of ['agent-1', 'agent-2']) {
    expect((await insideOf(shoal, agent, authority, { ...init, path: '/other' })).body.equals(content)).toBe(true)
  }
  expect(gets.slice(1)).toEqual(['/other', '/other'])
})
