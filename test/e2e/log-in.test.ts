import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { isInstalled, type RealClients, startRealClients } from '../kit/clients/index.ts'
import { type Herd, startHerd } from '../kit/herd.ts'
import { digestsOf } from '../kit/images/index.ts'
import { passwordFile } from '../kit/registry-access.ts'
import { resourceStack } from '../kit/resource-stack.ts'
import { everySecret, secretOverrides } from '../kit/secrets.ts'
import { tempFolder } from '../kit/temp-folder.ts'
import { engines } from './logins/engines.ts'
import type { LoggingIn } from './logins/logging-in.ts'
import { onPath } from './logins/on-path.ts'

/**
 * Real clients at two clusters with secrets. In one, secrets are all there is: a secret is the password, and any user name is
 * accepted. The other has users and rules, and its agent wants a log-in as well.
 */
const stack = resourceStack()
let clients: RealClients
let plain: Herd
let ruled: Herd

const rules = [
  { who: ['anonymous'], repositories: ['public/*'], actions: ['pull'] },
  { who: ['user:ann'], repositories: ['team/*'], actions: ['push', 'delete'] },
  { who: ['user:bob'], repositories: ['team/*'], actions: ['pull'] },
]
const passwords = { ann: 'the-password-of-ann', bob: 'the-password-of-bob' }
const ann = `ann:${passwords.ann}`
const readers = `anybody:${everySecret.read}`
const pushers = `anybody:${everySecret.push}`
const clientMs = 120_000

beforeAll(async () => {
  clients = stack.own(await startRealClients({ largeBytes: 3 << 20, seed: 'log-in' }))
  const folder = stack.own(await tempFolder('users'))
  const users = await passwordFile(folder.path, passwords)
  const access = [`proxy.registry.access.rules=${JSON.stringify(rules)}`, `proxy.registry.access.users=${users}`]
  const flags = (overrides: readonly string[]) =>
    [...secretOverrides(), ...overrides].flatMap((override) => ['--set', override])
  const one = { agents: 1, origins: 1, trackers: 1 }
  plain = stack.own(await startHerd({ ...one, flags: flags([]) }))
  ruled = stack.own(await startHerd({ ...one, flags: flags([...access, 'agent.registry.anonymous=none']) }))
  for (const { proxy } of [plain, ruled]) {
    await clients.push(clients.image, `${proxy}/public/image:t1`, '--dest-creds', pushers)
  }
}, 300_000)

afterAll(async () => stack[Symbol.asyncDispose]())

/** What clients say when the registry does not know them, and when it does and refuses. */
const UNKNOWN = /unauthorized|authentication is required|authentication required|401|invalid username/i
const REFUSED = /denied|no right|not known|forbidden|403|not found|404/i

const refusal = async (act: () => Promise<unknown>): Promise<string> => {
  const err: unknown = await act().then(
    () => new Error('it was done'),
    (each: unknown) => each,
  )
  return (err as Error).message
}

/** What the text says of itself, without names and times. */
const reasonIn = (text: string, space: string) => text.replaceAll(space, 'SPACE').replace(/time="[^"]*"/g, '')

async function logsInEverywhere(client: LoggingIn): Promise<void> {
  const place = { clients, registry: ruled.proxy }
  const by = (user: keyof typeof passwords, password: string = passwords[user]) => client.as(user, password, place)
  expect(await refusal(async () => (await by('ann', 'wrong')).push('team'))).toMatch(UNKNOWN)
  const owner = await by('ann')
  await owner.push('team')
  await owner.pull('team')
  expect(await refusal(() => owner.push('other'))).toMatch(REFUSED)
  const reader = await by('bob')
  await reader.pull('team')
  // Of what is there already, containerd and crane push nothing.
  expect(await refusal(() => reader.push('team/more'))).toMatch(REFUSED)
}

describe('with the right password pushes and pulls what the rules give, and is refused with a wrong one and beyond', () => {
  test.each(Object.entries(engines))('%s', (_, client) => logsInEverywhere(client), clientMs)

  for (const [name, client] of Object.entries(onPath)) {
    const isThere = isInstalled(client.program)
    if (!isThere) process.stdout.write(`skipped: ${name} is not on the path\n`)
    const tries = isThere ? test : test.skip
    tries(name, () => logsInEverywhere(client), clientMs)
  }
})

describe('rules', () => {
  test('let everybody pull what is public, with docker, containerd and skopeo', async () => {
    const name = `${ruled.proxy}/public/image:t1`
    expect(await clients.pull(name)).toEqual(await digestsOf(clients.image.folder))
    await clients.dockerd.docker(['logout', ruled.proxy])
    expect(await clients.dockerd.pull(name)).toBe(clients.image.digest)
    expect((await clients.containerd.pull(name, { plainHttp: true })).digest).toBe(clients.image.digest)
  })

  test('let a client delete, and say the same of what is hidden and of what is not there', async () => {
    await clients.push(clients.image, `${ruled.proxy}/team/gone:t1`, '--dest-creds', ann)
    await clients.tools.skopeo(['delete', '--creds', ann, `docker://${ruled.proxy}/team/gone:t1`])
    await expect(clients.pull(`${ruled.proxy}/team/gone:t1`, '--src-creds', ann)).rejects.toThrow(
      /manifest unknown|not known/,
    )
    await clients.push(clients.image, `${ruled.proxy}/secret/there:t1`, '--dest-creds', pushers)
    const [hidden, absent] = await Promise.all(
      ['secret/there', 'secret/gone'].map(async (name) =>
        reasonIn(await refusal(() => clients.pull(`${ruled.proxy}/${name}:t1`, '--src-creds', ann)), name),
      ),
    )
    expect(hidden).toMatch(/not known/)
    expect(hidden?.replace(/copy-\d+/, '')).toBe(absent?.replace(/copy-\d+/, ''))
  })
})

describe('a secret as the password', () => {
  const logIn = (host: string, password: string) =>
    clients.dockerd.docker(['login', '--username', 'anybody', '--password', password, host])

  test('is enough for skopeo to push, and to pull through the proxy and through an agent that wants a log-in', async () => {
    const expected = await digestsOf(clients.image.folder)
    expect(await clients.pull(`${plain.proxy}/public/image:t1`, '--src-creds', readers)).toEqual(expected)
    const [agent] = ruled.agents
    expect(await clients.pull(`${agent}/public/image:t1`, '--src-creds', readers)).toEqual(expected)
    await expect(clients.pull(`${agent}/public/image:t1`)).rejects.toThrow(/authentication is required/)
    expect(await clients.pull(`${plain.agents[0]}/public/image:t1`)).toEqual(expected)
  })

  test('is needed to push, and must be the one for it', async () => {
    const push = (...flags: string[]) => clients.push(clients.image, `${plain.proxy}/team/none:t1`, ...flags)
    await expect(push()).rejects.toThrow(/authentication required/)
    expect(await refusal(() => push('--dest-creds', 'anybody:another'))).toMatch(UNKNOWN)
    await expect(push('--dest-creds', readers)).rejects.toThrow(/denied|invalid status code.*40[13]/)
    const inspect = ['inspect', `docker://${plain.agents[0]}/team/none:t1`]
    await expect(clients.tools.skopeo(inspect)).rejects.toThrow(/manifest unknown/)
  })

  test('lets docker log in, push and pull, and another one is refused at the log-in', async () => {
    const { dockerd } = clients
    await expect(logIn(plain.proxy, 'another')).rejects.toThrow(/unauthorized/i)
    await dockerd.build(`${plain.proxy}/team/docker:t1`, { files: { 'a.txt': 'secret' }, cmd: ['/a.txt'] })
    await expect(dockerd.push(`${plain.proxy}/team/docker:t1`)).rejects.toThrow(
      /no basic auth credentials|unauthorized/i,
    )
    await logIn(plain.proxy, everySecret.push)
    const digest = await dockerd.push(`${plain.proxy}/team/docker:t1`)
    await dockerd.removeImages()
    expect(await dockerd.pull(`${plain.agents[0]}/team/docker:t1`)).toBe(digest)
  })

  test('lets docker and containerd pull from an agent that wants a log-in, and not without', async () => {
    const reference = `${ruled.agents[0]}/public/image:t1`
    await logIn(ruled.agents[0] ?? '', everySecret.read)
    expect(await clients.dockerd.pull(reference)).toBe(clients.image.digest)
    const pull = (...flags: string[]) =>
      clients.containerd.ctr(['images', 'pull', '--plain-http', '--snapshotter', 'native', ...flags, reference])
    await expect(pull()).rejects.toThrow(/401|authorization failed/)
    await pull('--user', readers)
  })
})
