import { describe, expect, test } from '@jest/globals'
import { parse } from 'yaml'
import { memberKinds } from '../../../lib/api/index.ts'
import { deepMerge, loadConfig, type Tree } from '../../../lib/config/index.ts'
import { type ServiceKind, serviceFacts, serviceKinds } from '../../../lib/service/index.ts'
import { openListeners } from '../../../lib/service/listeners.ts'
import { doors } from '../../../services/herd/index.ts'
import type { ManagerConfig } from '../../../services/manager/config.ts'
import { readProjectFile } from '../../kit/doc-table.ts'

interface Service {
  readonly command: readonly [string]
  readonly environment?: Readonly<Record<string, string | null>>
  readonly network_mode: string
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly [key: string]: unknown
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, null>>
}

const bucket = {
  SHOAL_S3_BUCKET: 'images',
  SHOAL_S3_ENDPOINT: 'https://s3.example.com',
}

/** As compose fills in variables: `${NAME:-default}`, and `${NAME:?}`, without which it does not start. */
function filled(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+):([-?])([^}]*)\}/g, (_all, name: string, sign: string, other: string) => {
    const value = variables[name] ?? (sign === '-' ? other : undefined)
    if (value === undefined) throw new Error(`${name} is not set`)
    return value
  })
}

function compose(files: readonly string[], variables: Readonly<Record<string, string>> = {}): Compose {
  const trees = files.map(
    (file) => parse(filled(readProjectFile(`docker/${file}`), variables), { merge: true }) as Tree,
  )
  return trees.reduce(deepMerge, {}) as unknown as Compose
}

function kindOf({ command: [name] }: Service): ServiceKind {
  const kind = serviceKinds.find((each) => serviceFacts(each).name === name)
  if (kind === undefined) throw new Error(`no service ${name}`)
  return kind
}

const configOf = (service: Service) =>
  loadConfig(doors[kindOf(service)].schema, {
    env: Object.fromEntries(Object.entries(service.environment ?? {}).map(([key, value]) => [key, value ?? undefined])),
  })

const cluster = compose(['compose.yaml'])
const services = Object.entries(cluster.services)

describe('docker/compose.yaml', () => {
  test('has every service that a cluster needs, each under the name of its kind and a number', () => {
    const wanted = serviceKinds.filter((kind) => kind !== 'controller')
    expect([...new Set(services.map(([, service]) => kindOf(service)))].toSorted()).toEqual(wanted.toSorted())
    for (const [name, service] of services) expect(name).toMatch(new RegExp(`^${service.command[0]}-[1-9]$`))
  })

  test.each(services)('%s may do nothing but its work', (_name, service) => {
    expect(service).toMatchObject({
      image: 'shoal',
      network_mode: 'host',
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      init: true,
    })
    const named = (service.volumes ?? []).map((volume) => volume.split(':')[0] ?? '')
    expect(named.filter((name) => !(name in cluster.volumes))).toEqual([])
  })

  test('gives each listener an address of its own, which only this machine reaches', async () => {
    const binds = await Promise.all(
      services.map(async ([, service]) => {
        const config = await configOf(service)
        return openListeners(kindOf(service), config).map(({ config: { bind } }) => bind)
      }),
    )
    const ports = binds.flat().map(({ port }) => port)
    expect(new Set(binds.flat().map(({ host }) => host))).toEqual(new Set(['127.0.0.1']))
    expect(new Set(ports).size).toBe(ports.length)
    expect(ports).not.toContain(0)
  })

  test('tells everybody the same members, and where they listen', async () => {
    const listening = new Map<string, string>()
    for (const [name, service] of services) {
      const config = (await configOf(service)) as { http?: { bind: { port: number } }; member?: string }
      if (config.http === undefined) continue
      expect([name, undefined]).toContain(config.member)
      listening.set(name, `http://127.0.0.1:${config.http.bind.port}`)
    }
    type Rings = Partial<Record<string, { members: { id: string; url: string }[] }>>
    for (const [, service] of services) {
      const config = (await configOf(service)) as unknown as Rings
      for (const [ring, name] of [
        ['origins', 'origin'],
        ['trackers', 'tracker'],
        ['buildIndexes', 'build-index'],
      ] as const) {
        const { members } = config[ring] ?? {}
        if (members === undefined) continue
        const wanted = [...listening].filter(([id]) => id.startsWith(`${name}-`)).map(([id, url]) => ({ id, url }))
        expect(members).toEqual(wanted)
      }
    }
  })
})

interface Joining {
  readonly manager?: { readonly url?: string; readonly tokenFile?: string; readonly member?: string }
}

test('in docker/compose.yaml all that can join the manager do, by the token that it writes into a volume they may only read', async () => {
  const inVolume = ({ volumes = [] }: Service, path: string) => {
    const mounted = volumes.map((volume) => volume.split(':')).find(([, at = '']) => path.startsWith(`${at}/`))
    const [volume, at = '', ...flags] = mounted ?? []
    return { volume, file: path.slice(at.length), flags }
  }
  const [name = '', manager] = services.find(([, service]) => kindOf(service) === 'manager') ?? []
  if (manager === undefined) throw new Error('there is no manager')
  const { http, clusters } = (await configOf(manager)) as ManagerConfig
  const written = inVolume(manager, clusters.first?.tokenFile ?? '')
  expect([name, written]).toEqual(['manager-1', { volume: 'join', file: '/join-token', flags: [] }])

  const joined: string[] = []
  for (const [id, service] of services) {
    const config = (await configOf(service)) as Joining
    if (config.manager?.url === undefined) continue
    const { url, tokenFile = '', member } = config.manager
    expect([url, member ?? id]).toEqual([`http://127.0.0.1:${http.bind.port}`, id])
    expect([id, inVolume(service, tokenFile)]).toEqual([id, { ...written, flags: ['ro'] }])
    joined.push(kindOf(service))
  }
  expect([...new Set(joined)].toSorted()).toEqual([...memberKinds].toSorted())
  const readers = services.filter(([, { volumes = [] }]) => volumes.some((volume) => volume.startsWith('join:')))
  expect(readers.length).toBe(joined.length + 1)
})

test('docker/compose.s3.yaml puts the bucket into every service that has a backend, and needs its variables', async () => {
  const files = ['compose.yaml', 'compose.s3.yaml']
  expect(() => compose(files)).toThrow('SHOAL_S3_BUCKET is not set')
  const merged = compose(files, bucket)
  const wanted = {
    driver: 's3',
    bucket: 'images',
    endpoint: 'https://s3.example.com',
    region: 'us-east-1',
    pathStyle: true,
  }
  for (const [, service] of Object.entries(merged.services)) {
    const config = (await configOf(service)) as { backend?: object; backends?: { backend: object }[] }
    if (config.backend !== undefined) expect(config.backend).toMatchObject(wanted)
    if (config.backends !== undefined) expect(config.backends).toMatchObject([{ repository: '*', backend: wanted }])
    const holdsKeys = 'AWS_SECRET_ACCESS_KEY' in (service.environment ?? {})
    expect(holdsKeys).toBe(config.backend !== undefined || config.backends !== undefined)
  }
})

test('docker/compose.bridge.yaml publishes the registries and the console at this machine alone, and all services share one network', async () => {
  const merged = compose(['compose.yaml', 'compose.bridge.yaml'])
  const { 'tracker-1': owner, ...others } = merged.services
  expect(owner?.network_mode).toBe('bridge')
  const published = ['5000', '65001', '65101', '59001'].map((port) => `127.0.0.1:${port}:${port}`)
  expect(owner?.ports).toEqual(published)
  expect(new Set(Object.values(others).map(({ network_mode }) => network_mode))).toEqual(new Set(['service:tracker-1']))
  for (const service of Object.values(others)) {
    const open = openListeners(kindOf(service), await configOf(service)).filter(
      ({ config }) => config.bind.host === '0.0.0.0',
    )
    const wanted = { proxy: ['registry'], agent: ['registry'], manager: ['http'] } as Partial<
      Record<ServiceKind, string[]>
    >
    expect(open.map(({ name }) => name)).toEqual(wanted[kindOf(service)] ?? [])
    if (kindOf(service) === 'manager')
      expect(await configOf(service)).toMatchObject({ publicUrl: 'http://127.0.0.1:59001' })
    for (const { config } of open) expect(owner?.ports).toContain(`127.0.0.1:${config.bind.port}:${config.bind.port}`)
  }
})
