import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  type Containerd,
  type ContainerTools,
  containerTools,
  type Dockerd,
  startContainerd,
  startDockerd,
} from '../kit/clients/index.ts'
import { type Herd, startHerd } from '../kit/herd.ts'
import { digestsOf, type ImageLayout, layeredImage, makeImage } from '../kit/images/index.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { everySecret, secretOverrides } from '../kit/secrets.ts'

/**
 * A cluster with secrets, used by real clients: a secret is the password, and any user name is accepted. Pulls from an
 * agent need none unless its config says so.
 */
const stack = resourceStack()
let herd: Herd
let closed: Herd
let tools: ContainerTools
let containerd: Containerd
let dockerd: Dockerd
let image: ImageLayout

const withSecrets = secretOverrides().flatMap((override) => ['--set', override])
const readers = `anybody:${everySecret.read}`
const pushers = `anybody:${everySecret.push}`

beforeAll(async () => {
  tools = stack.own(await containerTools())
  image = await makeImage(join(tools.folder, 'image'), layeredImage({ largeBytes: 3 << 20, seed: 'log-in' }))
  containerd = stack.own(await startContainerd())
  dockerd = stack.own(await startDockerd({ containerd }))
  herd = stack.own(await startHerd({ agents: 1, origins: 2, trackers: 1, flags: withSecrets }))
  const unread = [...withSecrets, '--set', 'agent.registry.anonymous=none']
  closed = stack.own(await startHerd({ agents: 1, origins: 1, trackers: 1, flags: unread }))
  await push(herd, 'team/image:t1', '--dest-creds', pushers)
  await push(closed, 'team/image:t1', '--dest-creds', pushers)
}, 300_000)

afterAll(async () => stack[Symbol.asyncDispose](), 60_000)

function push({ proxy }: Herd, name: string, ...flags: string[]) {
  return tools.skopeo(['copy', '--preserve-digests', ...flags, image.reference, `docker://${proxy}/${name}`])
}

async function pullTo(folder: string, source: string, ...flags: string[]) {
  const copy = join(tools.folder, folder)
  await tools.skopeo(['copy', ...flags, `docker://${source}`, `oci:${copy}:image`])
  return digestsOf(copy)
}

describe('skopeo', () => {
  test('pushes and pulls with a secret as the password, through the proxy and through an agent', async () => {
    const expected = await digestsOf(image.folder)
    expect(await pullTo('from-proxy', `${herd.proxy}/team/image:t1`, '--src-creds', readers)).toEqual(expected)
    const [agent] = closed.agents
    expect(await pullTo('from-agent', `${agent}/team/image:t1`, '--src-creds', readers)).toEqual(expected)
  })

  test('pulls from an agent without a log-in, and from one that wants it is told so', async () => {
    const [agent] = herd.agents
    expect(await pullTo('anonymous', `${agent}/team/image:t1`)).toEqual(await digestsOf(image.folder))
    await expect(pullTo('refused', `${closed.agents[0]}/team/image:t1`)).rejects.toThrow(/authentication is required/)
  })

  test('pushes nothing without a secret, or with another one', async () => {
    await expect(push(herd, 'team/none:t1')).rejects.toThrow(/authentication required/)
    await expect(push(herd, 'team/none:t1', '--dest-creds', 'anybody:another')).rejects.toThrow(
      /authentication required|invalid username\/password/,
    )
    await expect(push(herd, 'team/none:t1', '--dest-creds', readers)).rejects.toThrow(
      /denied|invalid status code.*40[13]/,
    )
    const [agent] = herd.agents
    await expect(tools.skopeo(['inspect', `docker://${agent}/team/none:t1`])).rejects.toThrow(/manifest unknown/)
  })
})

describe('docker', () => {
  const logIn = (host: string, password: string) =>
    dockerd.docker(['login', '--username', 'anybody', '--password', password, host])

  test('logs in with its secrets, pushes to the proxy and pulls from an agent that wants it', async () => {
    const [agent = ''] = closed.agents
    await logIn(closed.proxy, everySecret.push)
    await logIn(agent, everySecret.read)
    const name = 'team/docker:t1'
    await dockerd.build(`${closed.proxy}/${name}`, { files: { 'a.txt': 'with a log-in' }, cmd: ['/a.txt'] })
    const digest = await dockerd.push(`${closed.proxy}/${name}`)
    await dockerd.removeImages()
    expect(await dockerd.pull(`${agent}/${name}`)).toBe(digest)
  })

  test('is refused at the log-in with another password, and at a push without one', async () => {
    await expect(logIn(herd.proxy, 'another')).rejects.toThrow(/unauthorized/i)
    await dockerd.build(`${herd.proxy}/team/none:t1`, { files: { 'a.txt': 'without a log-in' }, cmd: ['/a.txt'] })
    await expect(dockerd.push(`${herd.proxy}/team/none:t1`)).rejects.toThrow(/no basic auth credentials|unauthorized/i)
  })
})

describe('containerd', () => {
  test('pulls with the secret from an agent that wants it, and not without', async () => {
    const reference = `${closed.agents[0]}/team/image:t1`
    const pull = (...flags: string[]) =>
      containerd.ctr(['images', 'pull', '--plain-http', '--snapshotter', 'native', ...flags, reference])
    await expect(pull()).rejects.toThrow(/401|authorization failed/)
    await pull('--user', readers)
    expect((await containerd.images()).map(({ digest }) => digest)).toEqual([image.digest])
  })
})
