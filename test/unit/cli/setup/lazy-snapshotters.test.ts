import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { loadConfig } from '../../../../lib/config/index.ts'
import { addressedRegistry } from '../../../../lib/registry/addressed-registry.ts'
import { agentSchema } from '../../../../services/agent/config.ts'
import { identities } from '../../../../services/agent/rights/identities.ts'
import { nydusConfig, stargzConfig } from '../../../../services/cli/doctor/lazy-steps.ts'
import type { Visit } from '../../../../services/cli/doctor/visit.ts'
import { MachineFiles } from '../../../../services/cli/setup/machine-files.ts'
import { nydus, withAgentAsProxy } from '../../../../services/cli/setup/nydus.ts'
import { setupRequest } from '../../../../services/cli/setup/request.ts'
import { STARGZ_CONFIG, stargz, withAgentAsMirror } from '../../../../services/cli/setup/stargz.ts'
import { readToml } from '../../../../services/cli/setup/toml.ts'
import { tempFolder } from '../../../kit/temp-folder.ts'

const agent = 'http://127.0.0.1:65001'
const request = setupRequest({ registry: ['reg.example.com'] })
const refused = (message: RegExp) =>
  expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) })
const NYDUSD = '/etc/nydus/nydusd-config.fusedev.json'

/** What the snapshotter reads. */
interface Written {
  readonly resolver: {
    readonly host: Readonly<
      Record<string, { readonly mirrors: readonly { readonly header?: Record<string, string> }[] }>
    >
  }
}

/** A doctor's visit to a machine with these files. */
async function visit(root: string, forward = 'auto'): Promise<Visit> {
  const config = { registry: { forward: { to: forward } } }
  const init = { files: new MachineFiles(root), urls: { registry: agent }, isConfigGiven: true, config }
  return { init } as unknown as Visit
}

describe('nydusd', () => {
  test.each([
    ['the first form', { device: { backend: { type: 'registry', config: { scheme: 'https' } } }, mode: 'direct' }],
    ['the second form', { version: 2, backend: { type: 'registry', registry: { scheme: 'https' } }, rafs: {} }],
  ])('gets the agent as its proxy in %s, beside all that is there, and once', (_, before) => {
    const after = withAgentAsProxy(JSON.stringify(before), 'f', request)
    const proxy = { url: agent, ping_url: `${agent}/v2/`, fallback: true, check_interval: 5, use_http: true }
    const registry = { scheme: 'https', proxy }
    expect(JSON.parse(after)).toEqual(
      'version' in before
        ? { ...before, backend: { type: 'registry', registry } }
        : { ...before, device: { backend: { type: 'registry', config: registry } } },
    )
    expect(withAgentAsProxy(after, 'f', request)).toBe(after)
  })

  test('is left alone when it has another proxy or no registry, and is not told to fall back elsewhere', async () => {
    const with_ = (config: object, type = 'registry') => JSON.stringify({ device: { backend: { type, config } } })
    const other = with_({ proxy: { url: 'http://127.0.0.1:4001' } })
    expect(() => withAgentAsProxy(other, 'f', request)).toThrow(refused(/another proxy/))
    expect(() => withAgentAsProxy(with_({}, 'oss'), 'f', request)).toThrow(refused(/no registry/))
    expect(() => withAgentAsProxy('{', 'f', request)).toThrow(refused(/^f:1: .*JSON/))
    await using root = await tempFolder('nydus')
    const elsewhere = setupRequest({ own: ['a.example'], fallback: 'http://127.0.0.1:5000' })
    await expect(nydus.plan(elsewhere, new MachineFiles(root.path))).rejects.toEqual(refused(/--fallback/))
  })

  test('has the config that its snapshotter names', async () => {
    await using root = await tempFolder('nydus')
    const files = new MachineFiles(root.path)
    await files.write('/etc/nydus/config.toml', Buffer.from('[daemon]\nnydusd_config = "/etc/own.json"\n'))
    expect((await nydus.plan(request, files)).files.map(({ path }) => path)).toEqual(['/etc/own.json'])
  })

  test('is looked at by the doctor', async () => {
    await using root = await tempFolder('nydus')
    const outcomes = async (forward?: string) =>
      (await nydusConfig(await visit(root.path, forward))).map(({ outcome }) => outcome)
    expect(await outcomes()).toEqual(['skipped'])
    const files = new MachineFiles(root.path)
    await files.write(NYDUSD, Buffer.from('{"device":{"backend":{"type":"registry","config":{}}}}'))
    expect(await outcomes()).toEqual(['warn'])
    const [planned] = (await nydus.plan(request, files)).files
    await files.write(NYDUSD, Buffer.from(planned!.after))
    expect(await outcomes()).toEqual(['ok'])
    expect(await outcomes('none')).toEqual(['fail'])
  })
})

describe('stargz', () => {
  const url = new URL(agent)

  test('gets the agent as a mirror of each host, beside all that is there, and once', () => {
    const before = 'metrics_address = "x"\n\n[[resolver.host."other.example".mirrors]]\n  host = "c"'
    const after = withAgentAsMirror(before, 'reg.example.com', url)
    expect(after).toBe(
      `${before}\n\n[[resolver.host."reg.example.com".mirrors]]\n  host = "127.0.0.1:65001"\n  insecure = true\n` +
        '  header = { X-Dragonfly-Registry = "https://reg.example.com" }\n',
    )
    expect(withAgentAsMirror(after, 'reg.example.com', url)).toBe(after)
  })

  test.each(['reg.example.com', 'reg.example.com:5000', 'docker.io'])(
    'sends an agent with its usual headers what says that %s is meant, since it says so nowhere else',
    async (host) => {
      const { resolver } = readToml(withAgentAsMirror('', host, url), STARGZ_CONFIG) as unknown as Written
      const sent = Object.entries(resolver.host[host]?.mirrors[0]?.header ?? {})
      const headersDistinct = Object.fromEntries(sent.map(([name, value]) => [name.toLowerCase(), [value]]))
      const overrides = ['registry.upstreams=["*"]', 'registry.default="none"']
      const { registry } = await loadConfig(agentSchema, { overrides })
      const { serves } = identities(registry.upstreams)
      const path = '/v2/library/nginx/blobs/sha256:0'
      const asked = { path, query: new URLSearchParams(), req: { headersDistinct } as unknown as IncomingMessage }
      expect(addressedRegistry(asked, { ...registry, serves })).toEqual({ registry: host, path })
    },
  )

  test('is left alone where the host has other mirrors, and refuses what it cannot do', async () => {
    const before = '[[resolver.host."reg.example.com".mirrors]]\n  host = "c"\n'
    const unsaid = withAgentAsMirror('', 'reg.example.com', url).replace(/.*header.*\n/, '')
    for (const text of [before, unsaid])
      expect(() => withAgentAsMirror(text, 'reg.example.com', url)).toThrow(refused(/has mirrors already/))
    await using root = await tempFolder('stargz')
    const files = new MachineFiles(root.path)
    await expect(stargz.plan(setupRequest({ all: true }), files)).rejects.toEqual(refused(/name each/))
    const alone = setupRequest({ own: ['a.example'], fallback: 'no' })
    await expect(stargz.plan(alone, files)).rejects.toEqual(refused(/--fallback/))
  })

  test('is looked at by the doctor', async () => {
    await using root = await tempFolder('stargz')
    const outcomes = async () => (await stargzConfig(await visit(root.path))).map(({ outcome }) => outcome)
    expect(await outcomes()).toEqual(['skipped'])
    const files = new MachineFiles(root.path)
    await files.write(STARGZ_CONFIG, Buffer.from(''))
    expect(await outcomes()).toEqual(['warn'])
    const other = withAgentAsMirror('', 'other.example.com', url)
    await files.write(STARGZ_CONFIG, Buffer.from(withAgentAsMirror(other, 'reg.example.com', url)))
    expect(await outcomes()).toEqual(['ok'])
    const unsaid = withAgentAsMirror(other.replace(/.*header.*\n/, ''), 'reg.example.com', url)
    await files.write(STARGZ_CONFIG, Buffer.from(unsaid))
    expect(await outcomes()).toEqual(['ok', 'warn'])
  })
})
