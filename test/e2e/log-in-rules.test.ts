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
import { passwordFile } from '../kit/registry-access.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { everySecret, secretOverrides } from '../kit/secrets.ts'
import { tempFolder } from '../kit/temp-folder.ts'

/** A proxy with rules, used by real clients as any other registry: users log in, and anybody may pull what is public. */
const stack = resourceStack()
let proxy: string
let tools: ContainerTools
let containerd: Containerd
let dockerd: Dockerd
let image: ImageLayout

const rules = [
  { who: ['anonymous'], repositories: ['public/*'], actions: ['pull'] },
  { who: ['user:ann'], repositories: ['team/*'], actions: ['push', 'delete'] },
]
const ann = 'ann:the-password-of-ann'
const bob = 'bob:the-password-of-bob'

beforeAll(async () => {
  tools = stack.own(await containerTools())
  image = await makeImage(join(tools.folder, 'image'), layeredImage({ largeBytes: 3 << 20, seed: 'rules' }))
  containerd = stack.own(await startContainerd())
  dockerd = stack.own(await startDockerd({ containerd }))
  const folder = stack.own(await tempFolder('rules'))
  const users = await passwordFile(folder.path, { ann: 'the-password-of-ann', bob: 'the-password-of-bob' })
  const access = [`proxy.registry.access.rules=${JSON.stringify(rules)}`, `proxy.registry.access.users=${users}`]
  const flags = [...secretOverrides(), ...access].flatMap((override) => ['--set', override])
  const herd: Herd = stack.own(await startHerd({ agents: 1, origins: 1, trackers: 1, flags }))
  proxy = herd.proxy
  await push('public/image:t1', `anybody:${everySecret.push}`)
}, 300_000)

afterAll(async () => stack[Symbol.asyncDispose](), 60_000)

const push = (name: string, login: string) =>
  tools.skopeo(['copy', '--preserve-digests', '--dest-creds', login, image.reference, `docker://${proxy}/${name}`])

async function pull(folder: string, name: string, ...flags: string[]) {
  const copy = join(tools.folder, folder)
  await tools.skopeo(['copy', ...flags, `docker://${proxy}/${name}`, `oci:${copy}:image`])
  return digestsOf(copy)
}

describe('skopeo', () => {
  test('pulls what is public without a log-in, and nothing else', async () => {
    expect(await pull('public', 'public/image:t1')).toEqual(await digestsOf(image.folder))
    await push('team/quiet:t1', ann)
    await expect(pull('none', 'team/quiet:t1')).rejects.toThrow(/authentication required|unauthorized/)
  })

  test('pushes, pulls and deletes as a user who may', async () => {
    await push('team/image:t1', ann)
    expect(await pull('team', 'team/image:t1', '--src-creds', ann)).toEqual(await digestsOf(image.folder))
    await tools.skopeo(['delete', '--creds', ann, `docker://${proxy}/team/image:t1`])
    await expect(pull('gone', 'team/image:t1', '--src-creds', ann)).rejects.toThrow(/manifest unknown|not known/)
  })

  test('is told the same of what is hidden and of what is not there', async () => {
    await push('team/hidden:t1', ann)
    const reason = async (name: string) => {
      const err: unknown = await pull('hidden', name, '--src-creds', bob).catch((each: unknown) => each)
      return (err as Error).message.replaceAll(name.split(':')[0] ?? '', 'NAME').replace(/time="[^"]*"/g, '')
    }
    const [hidden, absent] = [await reason('team/hidden:t1'), await reason('team/absent:t1')]
    expect(hidden).toMatch(/not known/)
    expect(hidden).toBe(absent)
    await expect(push('team/hidden:t1', bob)).rejects.toThrow(/not known|denied|404/)
    await expect(push('team/hidden:t1', 'ann:wrong')).rejects.toThrow(
      /unauthorized|authentication required|invalid username/,
    )
  })
})

describe('docker', () => {
  const logIn = (login: string) => {
    const [user = '', password = ''] = login.split(':')
    return dockerd.docker(['login', '--username', user, '--password', password, proxy])
  }

  test('pulls what is public without a log-in; logs in, pushes and pulls', async () => {
    expect(await dockerd.pull(`${proxy}/public/image:t1`)).toBe(image.digest)
    await expect(logIn('ann:wrong')).rejects.toThrow(/unauthorized/i)
    await logIn(ann)
    await dockerd.build(`${proxy}/team/docker:t1`, { files: { 'a.txt': 'with rules' }, cmd: ['/a.txt'] })
    const digest = await dockerd.push(`${proxy}/team/docker:t1`)
    await dockerd.removeImages()
    expect(await dockerd.pull(`${proxy}/team/docker:t1`)).toBe(digest)
    await dockerd.docker(['logout', proxy])
    await expect(dockerd.pull(`${proxy}/team/docker:t1`)).rejects.toThrow(/unauthorized|denied|authentication/i)
  })
})

describe('containerd', () => {
  test('pulls what is public without a log-in, and the rest with one', async () => {
    const fetch = (name: string, ...flags: string[]) =>
      containerd.ctr(['images', 'pull', '--plain-http', '--snapshotter', 'native', ...flags, `${proxy}/${name}`])
    await push('team/ctr:t1', ann)
    await fetch('public/image:t1')
    await expect(fetch('team/ctr:t1')).rejects.toThrow(/401|authorization failed/)
    await expect(fetch('team/ctr:t1', '--user', bob)).rejects.toThrow(/not found/)
    await fetch('team/ctr:t1', '--user', ann)
  })
})
