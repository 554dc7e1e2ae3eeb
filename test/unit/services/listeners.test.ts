import { describe, expect, test } from '@jest/globals'
import { z } from 'zod'
import { loadConfig } from '../../../lib/config/index.ts'
import { type CommonConfig, serviceFacts, serviceRuntime, serviceShell } from '../../../lib/service/index.ts'
import { openListener } from '../../../lib/service/listeners.ts'
import { recordingLogger, silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { doors } from '../../../services/herd/index.ts'

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
}

/** Dotted paths of every mapping that has a key `bind`; of a list of them, that of the list. */
const bindsIn = ({ properties = {}, items }: Shape, path: readonly string[] = []): readonly string[] => [
  ...('bind' in properties ? [path.join('.')] : []),
  ...Object.entries(properties).flatMap(([name, inner]) => bindsIn(inner, [...path, name])),
  ...(items === undefined ? [] : bindsIn(items, path)),
]

const services = Object.values(doors).map((door) => ({ door, ...serviceFacts(door.kind) }))
const listeners = services.flatMap(({ door, name, listeners: of }) =>
  Object.values(of).map(({ key, port, off }) => ({ door, name, key, port, off })),
)

const parts = { logger: silentLogger(), metrics: silentMetrics() }

async function make({ door }: (typeof services)[number] | (typeof listeners)[number], overrides: readonly string[]) {
  return door.make(parts, await loadConfig(door.schema, { overrides }))
}

/** One that guards the listener: peers are asked for proofs only by `node`. */
const secretOf = ({ key, door }: (typeof listeners)[number]) =>
  key === 'peer' ? 'node' : serviceFacts(door.kind).secrets.accepts[0]

describe('the table of services', () => {
  test.each(services)('has every listener that the config of $name has', ({ door, listeners: of, further }) => {
    const configured = bindsIn(z.toJSONSchema(door.schema, { io: 'input' }) as Shape)
    const keys = Object.values(of).map(({ key }) => key)
    expect(configured.toSorted()).toEqual([...keys, ...(further === undefined ? [] : [further.key])].toSorted())
  })

  test('gives no port to two listeners', () => {
    const ports = listeners.map(({ port }) => port)
    expect(ports.filter((port, i) => ports.indexOf(port) !== i)).toEqual([])
  })
})

describe.each(listeners.filter(({ off }) => off === true))('the listener $key of $name', (listener) => {
  test('is off until it has an address', async () => {
    const at = (config: CommonConfig) => openListener(config, listener.key)
    const load = (overrides: readonly string[]) => loadConfig(listener.door.schema, { overrides })
    expect(at(await load([]))).toBeUndefined()
    expect(at(await load([`${listener.key}.bind=off`, `${listener.key}.insecure=true`]))).toBeUndefined()
    const opened = {
      ...{ bind: { host: '127.0.0.1', port: 7 }, insecure: false },
      ...{ tls: 'auto', clientCertificates: 'off' },
    }
    expect(at(await load([`${listener.key}.bind=127.0.0.1:7`]))).toEqual(opened)
    await expect(load([`${listener.key}.bind=on`])).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})

test('the shell of a service opens those listeners alone that have an address', async () => {
  const opened = async (overrides: readonly string[]) => {
    const config = await loadConfig(doors.proxy.schema, { overrides })
    const init = { routes: [] }
    const listeners = { registry: init, admin: init, kraken: init }
    const shell = serviceShell(serviceRuntime('proxy', config, parts), config, { kind: 'proxy', listeners })
    return [shell.listeners.length, shell.url('kraken')]
  }
  expect(await opened([])).toEqual([3, ''])
  expect(await opened(['kraken.bind=127.0.0.1:7'])).toEqual([4, 'http://127.0.0.1:7'])
})

describe.each(listeners)('the listener $key of $name beyond this machine', (listener) => {
  const bind = `${listener.key}.bind=0.0.0.0:auto`

  test('is refused without a secret', async () => {
    await expect(make(listener, [bind])).rejects.toMatchObject({
      code: 'INSECURE_BIND',
      detail: { listener: listener.key },
    })
  })

  test('is refused without a secret behind balancers, which bring callers from elsewhere, at loopback as well', async () => {
    const loopback = [`${listener.key}.bind=127.0.0.1:auto`, `${listener.key}.proxyProtocol.from=["127.0.0.1/32"]`]
    await expect(make(listener, loopback)).rejects.toMatchObject({
      code: 'INSECURE_BIND',
      detail: { listener: listener.key },
    })
  })

  test('is taken when it is said to be insecure', async () => {
    await make(listener, [bind, `${listener.key}.insecure=true`])
  })

  test('is taken with a secret, once it is said who reads without it', async () => {
    const readers = listener.door.kind === 'agent' ? ['registry.anonymous=none'] : []
    await make(listener, [bind, `secrets.${secretOf(listener)}=a-long-enough-secret`, ...readers])
  })
})

/** Files that nobody reads before the start. */
const certified = ['tls.certificate=own.crt', 'tls.key=own.key']
const trusting = [...certified, 'tls.authorities=[ca.crt]']

describe.each(listeners)('the listener $key of $name with a certificate', (listener) => {
  const beyond = `${listener.key}.bind=0.0.0.0:auto`
  const isPeer = listener.key === 'peer'

  test('beyond this machine is taken without a secret only if all who get in have shown a certificate', async () => {
    const made = make(listener, [
      beyond,
      ...trusting,
      ...(isPeer ? [] : [`${listener.key}.clientCertificates=required`]),
    ])
    if (isPeer) await made
    else await expect(made).rejects.toMatchObject({ code: 'INSECURE_BIND' })
    for (const tls of ['optional', 'off']) {
      const open = make(listener, [beyond, ...trusting, `${listener.key}.tls=${tls}`])
      await expect(open).rejects.toMatchObject({ code: 'INSECURE_BIND' })
    }
  })

  const bind = `${listener.key}.bind=127.0.0.1:auto`
  const invalid = (overrides: readonly string[], message: string) =>
    expect(make(listener, [bind, ...overrides])).rejects.toMatchObject({
      ...{ code: 'CONFIG_INVALID', message: expect.stringContaining(message) },
    })

  test('has no key that would do nothing', async () => {
    await invalid([`${listener.key}.tls=optional`], 'tls.certificate is not set')
    if (isPeer) {
      await invalid(certified, 'certificates of tls.authorities')
      await make(listener, [bind, ...certified, 'peer.tls=off'])
      return
    }
    const asking = `${listener.key}.clientCertificates=optional`
    await invalid([asking], 'needs a listener that speaks TLS alone')
    await invalid([asking, ...trusting, `${listener.key}.tls=optional`], 'needs a listener that speaks TLS alone')
    const peers = listener.door.kind === 'agent' || listener.door.kind === 'origin' ? ['peer.tls=off'] : []
    await invalid([asking, ...certified, ...peers], 'needs tls.authorities')
  })
})

test('a certificate needs its key, and the other way round', async () => {
  for (const half of certified) {
    const loading = loadConfig(doors.proxy.schema, { overrides: [half] })
    await expect(loading).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('belong together'),
    })
  }
})

describe('the registry of an agent beyond this machine, in a cluster with secrets', () => {
  const beyond = ['registry.listener.bind=0.0.0.0:auto', 'secrets.node=a-long-enough-secret']
  const agent = services.find(({ door }) => door.kind === 'agent')!

  test('does not let everybody read unless the config says so', async () => {
    await expect(make(agent, beyond)).rejects.toMatchObject({ code: 'READERS_UNSAID' })
  })

  test.each(['none', 'read'])('is taken when the config says %s, and the log tells who may read', async (rights) => {
    const logger = recordingLogger()
    const config = await loadConfig(agent.door.schema, { overrides: [...beyond, `registry.anonymous=${rights}`] })
    agent.door.make({ ...parts, logger }, config)
    const told = logger.lines.filter(({ message }) => message === 'everybody who reaches the registry may read')
    expect(told.map(({ level }) => level)).toEqual(rights === 'read' ? ['warn'] : [])
  })

  test('of Kraken asks for the same word', async () => {
    const beyondKraken = ['kraken.bind=0.0.0.0:auto', 'secrets.node=a-long-enough-secret']
    await expect(make(agent, beyondKraken)).rejects.toMatchObject({ code: 'READERS_UNSAID' })
    await make(agent, [...beyondKraken, 'registry.anonymous=none'])
  })

  test('asks for no word on this machine, or without a secret', async () => {
    await make(agent, ['secrets.node=a-long-enough-secret'])
    await make(agent, ['registry.listener.bind=0.0.0.0:auto', 'registry.listener.insecure=true'])
  })
})

describe('the further listeners of an agent', () => {
  const agent = services.find(({ door }) => door.kind === 'agent')!
  const hub = { name: 'hub', bind: '127.0.0.1:7' }
  const listed = (...further: readonly object[]) => `registry.listeners=${JSON.stringify(further)}`
  const invalid = (overrides: readonly string[], message: string) =>
    expect(make(agent, overrides)).rejects.toMatchObject({
      ...{ code: 'CONFIG_INVALID', message: expect.stringContaining(message) },
    })

  test('are opened beside the others', async () => {
    await make(agent, [listed(hub, { ...hub, name: 'quay', bind: '127.0.0.1:8' })])
    await make(agent, [listed({ ...hub, bind: '127.0.0.1:auto' }, { name: 'quay', bind: '127.0.0.1:auto' })])
  })

  test.each(Object.keys(agent.listeners))('are not called %s, as another listener of the agent is', async (name) => {
    await invalid([listed({ ...hub, name })], `registry.listeners.0.name: another listener of this service`)
  })

  test('have names of their own', async () => {
    await invalid([listed(hub, { ...hub, bind: '127.0.0.1:8' })], 'registry.listeners.1.name')
  })

  test('have addresses of their own, as all listeners have', async () => {
    await invalid(
      [listed(hub, { ...hub, name: 'quay' })],
      'registry.listeners.1.bind: registry.listeners.0 has the port 7',
    )
    await invalid(
      [listed({ ...hub, bind: '127.0.0.1:65001' })],
      'registry.listeners.0.bind: registry.listener has the port',
    )
    await invalid([listed({ ...hub, bind: '0.0.0.0:65001', insecure: true })], 'has the port 65001 already')
    await invalid(['ops.bind=127.0.0.1:65004'], 'admin.bind: ops has the port 65004 already')
    await make(agent, [listed({ ...hub, bind: '127.0.0.2:65001' })])
  })

  test('beyond this machine need a secret, and then a word who reads', async () => {
    const beyond = listed({ ...hub, bind: '0.0.0.0:auto' })
    const failure = { code: 'INSECURE_BIND', detail: { listener: 'registry.listeners.0' } }
    await expect(make(agent, [beyond])).rejects.toMatchObject(failure)
    const guarded = [beyond, 'secrets.node=a-long-enough-secret']
    await expect(make(agent, guarded)).rejects.toMatchObject({ code: 'READERS_UNSAID' })
    await make(agent, [...guarded, 'registry.anonymous=none'])
  })

  test('have no key that would do nothing', async () => {
    await invalid([listed({ ...hub, tls: 'optional' })], 'registry.listeners.0.tls is optional')
    await invalid([listed({ ...hub, clientCertificates: 'required' })], 'needs a listener that speaks TLS alone')
  })
})
