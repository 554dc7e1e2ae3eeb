import { describe, expect, test } from '@jest/globals'
import { containerd } from '../../../../services/cli/setup/containerd.ts'
import { crio, podman } from '../../../../services/cli/setup/containers.ts'
import { withRegistryMirror } from '../../../../services/cli/setup/daemon-json.ts'
import { docker } from '../../../../services/cli/setup/docker.ts'
import { newHostsToml, withAgentFirst } from '../../../../services/cli/setup/hosts-toml.ts'
import { MachineFiles } from '../../../../services/cli/setup/machine-files.ts'
import {
  checkOtherRegistries,
  readRegistriesConf,
  registriesConf,
} from '../../../../services/cli/setup/registries-conf.ts'
import { type RequestFlags, setupRequest } from '../../../../services/cli/setup/request.ts'
import { tempFolder } from '../../../kit/temp-folder.ts'

const agent = 'http://127.0.0.1:65001'
const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

describe('hosts.toml', () => {
  const host = `[host."${agent}"]\n  capabilities = ["pull", "resolve"]\n`

  test('is made with the agent first and the registry last', () => {
    expect(newHostsToml({ agent, server: 'https://a.example' })).toBe(
      `# Written by shoal setup.\nserver = "https://a.example"\n\n${host}`,
    )
  })

  test('gets the agent before the hosts that are there', () => {
    const before = '# mine\nserver = "https://b"\n\n[host."https://c"]\n  ca = "x.pem"\n'
    expect(withAgentFirst(before, 'f', { agent })).toBe(
      `# mine\nserver = "https://b"\n\n${host}\n[host."https://c"]\n  ca = "x.pem"\n`,
    )
  })

  test('gets the agent at its end when it has no hosts, and keeps what is no host', () => {
    expect(withAgentFirst('ca = "x.pem"', 'f', { agent })).toBe(`ca = "x.pem"\n\n${host}`)
    const nested = '[host]\n[host."https://c"]\n'
    expect(withAgentFirst(nested, 'f', { agent })).toBe(`${host}\n${nested}`)
  })

  test('gets another server only when one is asked for', () => {
    const before = `server = 'https://b' # last\n\n${host}`
    expect(withAgentFirst(before, 'f', { agent })).toBe(before)
    expect(withAgentFirst(before, 'f', { agent, server: agent })).toBe(before.replace("'https://b'", `"${agent}"`))
    expect(withAgentFirst(host, 'f', { agent, server: agent })).toBe(`server = "${agent}"\n${host}`)
  })

  test('is refused when the agent comes after others, and when it is broken', () => {
    const second = `[host."https://c"]\n${host}`
    expect(() => withAgentFirst(second, 'f', { agent })).toThrow(refusal('CONFIG_INVALID', /after others/))
    expect(() => withAgentFirst('server', 'f', { agent })).toThrow(refusal('CONFIG_INVALID', /^f:1: .*TOML/))
  })
})

describe('daemon.json', () => {
  const mirrors = (list: string) => `"registry-mirrors": [${list}]`

  test.each([
    ['no file', undefined, '{\n  "registry-mirrors": [\n    "http://127.0.0.1:65001"\n  ]\n}\n'],
    ['an empty object', '{}', `{${mirrors(`"${agent}"`)}}`],
    ['one line', '{"debug":true}', `{${mirrors(`"${agent}"`)}, "debug":true}`],
    ['tabs', '{\n\t"debug": true\n}\n', `{\n\t${mirrors(`"${agent}"`)},\n\t"debug": true\n}\n`],
    ['a list', `{ ${mirrors('"http://m"')} }`, `{ ${mirrors(`"${agent}", "http://m"`)} }`],
    ['an empty list', `{ ${mirrors('')} }`, `{ ${mirrors(`"${agent}"`)} }`],
    ['a list with the agent', `{ ${mirrors(`"http://m", "${agent}/"`)} }`, `{ ${mirrors(`"http://m", "${agent}/"`)} }`],
    ['a list in another object', `{"a":{${mirrors('1')}}}`, `{${mirrors(`"${agent}"`)}, "a":{${mirrors('1')}}}`],
  ])('%s', (_what, before, after) => {
    expect(withRegistryMirror(before, 'f', agent)).toBe(after)
  })

  test.each([
    ['broken, with the line', '{\n  "a": 1,\n}', /^f:3: this is no valid JSON/],
    ['cut off', '{\n"a"', /^f:2: /],
    ['no object', '[]', /no object/],
    ['no list of mirrors', '{"registry-mirrors": "http://m"}', /no list/],
  ])('is refused when it is %s', (_what, text, message) => {
    expect(() => withRegistryMirror(text, 'f', agent)).toThrow(refusal('CONFIG_INVALID', message))
  })
})

describe('registries.conf.d', () => {
  const entry = {
    prefix: 'a.example',
    registry: { location: 'a.example', insecure: false },
    mirror: { location: '127.0.0.1:65001', insecure: true },
  }

  test('our file is read back as it was written', () => {
    const entries = [entry, { prefix: 'b.example', registry: { location: '127.0.0.1:65001', insecure: true } }]
    expect(readRegistriesConf(registriesConf(entries), 'f')).toEqual(entries)
  })

  test('our file is refused when somebody has changed it', () => {
    const text = registriesConf([entry]).replace('"all"', '"digest-only"')
    expect(() => readRegistriesConf(text, 'f')).toThrow(refusal('CHANGED_MEANWHILE', /^f: somebody has changed/))
  })

  test.each([
    [
      'says something of the same registry',
      '[[registry]]\nlocation = "a.example"',
      /already says something of a\.example/,
    ],
    ['has the old format', '[registries.search]\nregistries = []', /format of version 1/],
    ['is broken', 'a = [\n', /^f:\d+: this is no valid TOML/],
  ])('another file is refused that %s', (_what, text, message) => {
    expect(() => checkOtherRegistries(text, 'f', ['a.example'])).toThrow(refusal('CONFIG_INVALID', message))
    checkOtherRegistries('[[registry]]\nprefix = "b.example"\nlocation = "a.example"', 'f', ['a.example'])
  })
})

describe('the command line', () => {
  test('names registries by their hosts, once each; own names win', () => {
    const { hosts } = setupRequest({ own: ['A.example'], registry: ['a.example', 'docker.io', 'docker.io'] })
    expect(hosts).toEqual([
      { host: 'a.example', own: true },
      { host: 'docker.io', own: false },
    ])
  })

  test.each([
    [{}],
    [{ registry: ['https://a.example'] }],
    [{ registry: ['library'] }],
    [{ registry: ['a.example/team'] }],
    [{ all: true, agent: 'ftp://a' }],
    [{ all: true, agent: 'http://a/v2' }],
    [{ all: true, agent: 'http://a/hub/v2/' }],
    [{ all: true, agent: 'http://a/Path' }],
    [{ all: true, agent: 'http://a/hub?ns=b' }],
    [{ all: true, agent: 'ftp://a/hub' }],
    [{ all: true, fallback: 'http://a' }],
    [{ registry: ['docker.io'], fallback: 'http://127.0.0.1:5000' }],
    [{ own: ['a.example'], fallback: 'perhaps' }],
  ])('is refused: %j', (flags) => {
    expect(() => setupRequest(flags)).toThrow(refusal('CONFIG_INVALID', /./))
  })
})

test('podman is not set up for another registry with a port, whose images it could then not pull at all', async () => {
  await using root = await tempFolder('podman')
  const files = new MachineFiles(root.path)
  const plan = (flags: RequestFlags) => podman.plan(setupRequest(flags), files)
  await expect(plan({ registry: ['a.example:5000'] })).rejects.toEqual(refusal('CONFIG_INVALID', /no port/))
  expect((await plan({ own: ['a.example:5000'] })).files[0]?.after).toContain('prefix = "a.example:5000"')
})

test('podman is not set up with one address of the agent for own names and for other registries', async () => {
  await using root = await tempFolder('podman')
  const files = new MachineFiles(root.path)
  const mixed = podman.plan(setupRequest({ own: ['a.example'], registry: ['docker.io'] }), files)
  await expect(mixed).rejects.toEqual(refusal('CONFIG_INVALID', /cannot serve own names and other registries/))
  const { files: planned } = await podman.plan(setupRequest({ registry: ['docker.io'] }), files)
  await files.write(planned[0]?.path ?? '', Buffer.from(planned[0]?.after ?? ''))
  const own = (flags: RequestFlags) => podman.plan(setupRequest({ own: ['a.example'], ...flags }), files)
  await expect(own({})).rejects.toEqual(refusal('CONFIG_INVALID', /cannot serve/))
  expect((await own({ agent: 'http://own.test:65001' })).files[0]?.after).toContain('location = "own.test:65001"')
})

test('containerd is pointed at a mount point of the agent, and no engine is that takes no path', async () => {
  await using root = await tempFolder('mount')
  const files = new MachineFiles(root.path)
  const request = setupRequest({ agent: 'http://127.0.0.1:65001/hub/', registry: ['docker.io'], fallback: 'no' })
  const { files: planned } = await containerd.plan(request, files)
  const hosts = planned.find(({ path }) => path.endsWith('docker.io/hosts.toml'))?.after
  expect(hosts).toContain('server = "http://127.0.0.1:65001/hub"\n')
  expect(hosts).toContain('[host."http://127.0.0.1:65001/hub"]\n')
  const mirrored = setupRequest({ agent: 'http://127.0.0.1:65001/hub', registry: ['docker.io'] })
  for (const engine of [docker, podman, crio]) {
    await expect(engine.plan(mirrored, files)).rejects.toEqual(refusal('CONFIG_INVALID', /takes no path/))
  }
})
