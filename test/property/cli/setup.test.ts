import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { run } from '../../../services/cli/run.ts'
import { withRegistryMirror } from '../../../services/cli/setup/daemon-json.ts'
import { withAgentFirst } from '../../../services/cli/setup/hosts-toml.ts'
import { readToml, sameToml, type TomlTable, tableAt } from '../../../services/cli/setup/toml.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

/** Any file of an engine, set up and undone: the same bytes, and what was set up is what was wanted. */
const agent = 'http://127.0.0.1:65001'
const usual = '/etc/containerd/certs.d'
const runs = { numRuns: 60 }

const end = fc.constantFrom('\n', '\r\n')
const indent = fc.constantFrom('', '  ', '\t')
const remark = fc.constantFrom('', ' # said', '# [plugins."x".registry]')
const filler = fc.constantFrom(
  '# config_path = ""',
  'other = """\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = ""\n"""',
  "literal = '''\n[host.\"http://x\"]\nserver = \"\"\n'''",
  'list = [\n  1, # one\n  2,\n]',
  'when = 1979-05-27T07:32:00Z',
  '',
)

/** A config of containerd as people and tools write them. */
const containerdConfig = fc
  .record({
    version: fc.constantFrom(2, 3),
    eol: end,
    indent,
    remark,
    filler,
    quote: fc.boolean(),
    form: fc.constantFrom('none', 'plugin', 'registry', 'empty', 'set', 'dotted', 'inline', 'headers'),
    closed: fc.boolean(),
  })
  .map(({ version, eol, indent: before, remark: said, filler: more, quote, form, closed }) => {
    const name = version === 2 ? 'io.containerd.grpc.v1.cri' : 'io.containerd.cri.v1.images'
    const plugin = `plugins.${quote ? `'${name}'` : `"${name}"`}`
    const forms: Readonly<Record<string, readonly string[]>> = {
      none: [],
      plugin: [`[${plugin}]${said}`, 'sandbox_image = "pause"'],
      registry: [`[${plugin}.registry]${said}`],
      empty: [`[${plugin}.registry]`, `config_path = ''${said}`],
      set: [`[${plugin}.registry]`, `config_path = "${usual}"${said}`],
      dotted: [`[${plugin}]`, 'registry.headers = {}', 'other = 1'],
      inline: [`[${plugin}]`, 'registry = { headers = { a = ["b"] } }'],
      headers: [`[${plugin}.registry.headers]`, 'a = ["b"]'],
    }
    const lines = [`version = ${version}`, more, ...(forms[form] ?? []).map((line) => before + line)]
    return { text: lines.join('\n').replaceAll('\n', eol) + (closed ? eol : ''), name }
  })

const hostsToml = fc
  .record({ eol: end, indent, remark, filler, hosts: fc.subarray(['https://a', 'https://b']), server: fc.boolean() })
  .map(({ eol, indent: before, remark: said, filler: more, hosts, server }) =>
    [
      ...(server ? [`server = "https://up.example"${said}`] : []),
      more,
      ...hosts.flatMap((host) => [`${before}[host."${host}"]${said}`, `${before}  ca = "${host}.pem"`]),
    ]
      .join('\n')
      .replaceAll('\n', eol),
  )

const daemonJson = fc
  .record(
    {
      'registry-mirrors': fc.array(fc.webUrl(), { maxLength: 3 }),
      debug: fc.boolean(),
      labels: fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })),
      'data-"root"': fc.string(),
    },
    { requiredKeys: [] },
  )
  .chain((value) => fc.constantFrom(undefined, 1, 2, '\t').map((space) => JSON.stringify(value, null, space)))

/** Runs one setup below a folder that holds this file. */
async function inMachine<T>(path: string, text: string, use: (root: string, file: string) => Promise<T>): Promise<T> {
  await using folder = await tempFolder('setup')
  const file = join(folder.path, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  return await use(folder.path, file)
}

async function shoal(...words: readonly string[]) {
  const host = recordingHost()
  const exit = await run(['setup', ...words], host)
  expect([exit, host.complained]).toEqual([0, ''])
  return host.said
}

const filesIn = async (root: string) => (await readdir(root, { recursive: true })).toSorted()

describe('containerd', () => {
  test('any config: a setup sets the folder and nothing else, a second changes nothing, undo gives the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(containerdConfig, ({ text, name }) =>
        inMachine('etc/containerd/config.toml', text, async (root, file) => {
          await chmod(file, 0o640)
          const words = ['containerd', '--root', root, '--all'] as const
          const files = await filesIn(root)
          await shoal(...words)
          const before = readToml(text, '')
          const after = readToml(await readFile(file, 'utf8'), '')
          expect(tableAt(after, ['plugins', name, 'registry'])?.['config_path']).toBe(usual)
          expect(sameToml(without(after, name), without(before, name))).toBe(true)
          expect(await shoal(...words)).toBe('nothing to change')
          await shoal('containerd', '--root', root, '--undo')
          expect(await readFile(file, 'utf8')).toBe(text)
          expect((await stat(file)).mode & 0o777).toBe(0o640)
          expect((await filesIn(root)).filter((each) => !each.startsWith('var'))).toEqual(files)
        }),
      ),
      runs,
    )
  })

  test('any hosts.toml: the agent is first, the rest as before', () => {
    fc.assert(
      fc.property(hostsToml, (text) => {
        const edited = withAgentFirst(text, 'f', { agent })
        const [before, after] = [readToml(text, ''), readToml(edited, '')]
        const { [agent]: ours, ...others } = tableAt(after, ['host']) ?? {}
        expect(sameToml(others, before['host'] ?? {})).toBe(true)
        expect(ours).toEqual({ capabilities: ['pull', 'resolve'] })
        expect(Object.keys(tableAt(after, ['host']) ?? {})[0]).toBe(agent)
        expect(sameToml({ ...after, host: {} }, { ...before, host: {} })).toBe(true)
        expect(withAgentFirst(edited, 'f', { agent })).toBe(edited)
      }),
      runs,
    )
  })
})

/** A config without the key that a setup sets, and without the tables that exist only for it. */
function without(config: TomlTable, plugin: string): TomlTable {
  const plugins = tableAt(config, ['plugins']) ?? {}
  const own = tableAt(plugins, [plugin]) ?? {}
  const registry = Object.fromEntries(
    Object.entries(tableAt(own, ['registry']) ?? {}).filter(([key]) => key !== 'config_path'),
  )
  return { ...config, plugins: { ...plugins, [plugin]: { ...own, registry } } }
}

test('docker: any daemon.json gets the mirror and nothing else, twice is once, and undo gives the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(daemonJson, (text) =>
      inMachine('etc/docker/daemon.json', text, async (root, file) => {
        await shoal('docker', '--root', root, '--registry', 'docker.io')
        const [before, after] = [text, await readFile(file, 'utf8')].map(
          (each) => JSON.parse(each) as Record<string, readonly string[]>,
        )
        expect(after).toEqual({ ...before, 'registry-mirrors': [agent, ...(before?.['registry-mirrors'] ?? [])] })
        expect(await shoal('docker', '--root', root, '--registry', 'docker.io')).toMatch(/^nothing to change/)
        await shoal('docker', '--root', root, '--undo')
        expect(await readFile(file, 'utf8')).toBe(text)
      }),
    ),
    runs,
  )
})

test('docker: no text that is not JSON is ever written to', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(text.trim() !== '' && !isObject(text))
      expect(() => withRegistryMirror(text, 'f', agent)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    }),
  )
})

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
