import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { expect, test } from '@jest/globals'
import { serveRegistry } from '../../contract/registry/serve-registry.ts'
import { registryClient } from '../../kit/registry-client.ts'
import { REPOSITORY, seededStorage, TAGS } from '../../property/registry/registry-scene.ts'

const TAGS_PATH = `/v2/${REPOSITORY}/tags/list`

test('thousands of clients that open a connection for each request are all answered', async () => {
  await using registry = await serveRegistry(await seededStorage())
  const client = registryClient(registry.url)
  let left = 2000
  const worker = async () => {
    for (; left > 0; left -= 1) {
      const answer = await client.send('GET', TAGS_PATH, { headers: { connection: 'close' } })
      expect([answer.status, answer.headers.connection]).toEqual([200, 'close'])
    }
  }
  await Promise.all(Array.from({ length: 100 }, worker))
})

/** Opens so many connections and prints how many the system let it open; it gives up after five seconds. */
const opener = (port: string, count: number) => `
  const net = require('node:net')
  let open = 0
  const end = () => { process.stdout.write(String(open)); process.exit() }
  setTimeout(end, 5000)
  for (let i = 0; i < ${count}; i += 1) {
    net.connect(${port}, '127.0.0.1').on('error', () => {}).on('connect', () => { open += 1; if (open === ${count}) end() })
  }`

test('a burst of connections finds room while the process is busy with something else', async () => {
  await using registry = await serveRegistry(await seededStorage())
  const { port } = new URL(registry.url)
  const room = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'))
  const count = Math.min(1500, room)
  // Nothing is taken in the meantime: this process waits for that one.
  const open = execFileSync(process.execPath, ['-e', opener(port, count)], { encoding: 'utf8' })
  expect(Number(open)).toBe(count)
  expect((await registryClient(registry.url).send('GET', TAGS_PATH)).json()).toMatchObject({ tags: TAGS })
})

test('a client that keeps its connection is told for how long: longer than those of balancers and of Go', async () => {
  await using registry = await serveRegistry(await seededStorage())
  const agent = new Agent({ keepAlive: true })
  const keepAlive = await new Promise((resolve, reject) => {
    const sent = request(registry.url + TAGS_PATH, { agent }, (res) => {
      res.resume().once('end', () => resolve(res.headers['keep-alive']))
    })
    sent.once('error', reject).end()
  })
  agent.destroy()
  expect(keepAlive).toBe('timeout=75')
})
