import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { run } from '../../../services/cli/run.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { resourceStack } from '../../kit/resource-stack.ts'
import { tempFolder } from '../../kit/temp-folder.ts'

/** `shoal setup` as people run it, below a folder of the test's own. */
const config = 'etc/containerd/config.toml'
const hosts = 'etc/containerd/certs.d/a.test/hosts.toml'
const host = '[host."http://127.0.0.1:65001"]'

async function machine(files: Readonly<Record<string, string>> = {}) {
  const stack = resourceStack()
  const root = stack.own(await tempFolder('machine')).path
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return {
    root,
    path: (name: string) => join(root, name),
    read: (name: string) => readFile(join(root, name), 'utf8'),
    files: async () =>
      (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length,
    async shoal(engine: string, ...words: readonly string[]) {
      const recorded = recordingHost()
      const exit = await run(['setup', engine, '--root', root, ...words], recorded)
      return { exit, text: recorded.said, complaint: recorded.complained }
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  }
}

describe('a setup', () => {
  test('shows a diff and what to restart, and a second one has nothing to change', async () => {
    await using here = await machine({ [config]: '# ours\nversion = 2\n' })
    const first = await here.shoal('containerd', '--own', 'a.test')
    expect(first).toMatchObject({ exit: 0, complaint: '' })
    expect(first.text).toContain(
      '--- /etc/containerd/config.toml\n+++ /etc/containerd/config.toml\n@@ -1,2 +1,5 @@\n # ours\n version = 2\n+',
    )
    expect(first.text).toMatch(
      /\ncontainerd reads \/etc\/containerd\/config\.toml only at its start: systemctl restart/,
    )
    expect(await here.read(hosts)).toContain(host)
    expect(await here.shoal('containerd', '--own', 'a.test')).toMatchObject({ exit: 0, text: 'nothing to change' })
    const more = await here.shoal('containerd', '--registry', 'b.test')
    expect(more.text).toContain('nothing need be restarted')
  })

  test('that is only tried writes nothing', async () => {
    await using here = await machine({ [config]: 'version = 2\n' })
    const { exit, text } = await here.shoal('containerd', '--own', 'a.test', '--dry-run')
    expect([exit, await here.files()]).toEqual([0, 1])
    expect(text).toContain('+++ /etc/containerd/certs.d/a.test/hosts.toml')
  })

  test('edits the imported file that decides, and keeps the mode of each', async () => {
    const main = 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n'
    const cri = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\nsandbox_image = "pause"\n'
    await using here = await machine({ [config]: main, 'etc/containerd/conf.d/cri.toml': cri })
    await chmod(here.path('etc/containerd/conf.d/cri.toml'), 0o600)
    await here.shoal('containerd', '--all')
    expect(await here.read(config)).toBe(main)
    expect(await here.read('etc/containerd/conf.d/cri.toml')).toContain('config_path = "/etc/containerd/certs.d"')
    expect((await stat(here.path('etc/containerd/conf.d/cri.toml'))).mode & 0o777).toBe(0o600)
  })

  test('writes into the folder that the config names, and with underscores where that folder is there', async () => {
    const named = 'version = 3\n[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "/srv/hosts"\n'
    await using here = await machine({ [config]: named, 'srv/hosts/b.test_5000_/hosts.toml': '' })
    await here.shoal('containerd', '--own', 'a.test', '--registry', 'b.test:5000', '--registry', 'c.test:1')
    for (const name of ['a.test', 'b.test_5000_', 'c.test:1']) {
      expect(await here.read(`srv/hosts/${name}/hosts.toml`)).toContain(host)
    }
  })

  test('writes where a link leads, and keeps the link', async () => {
    await using here = await machine({ 'srv/daemon.json': '{}', 'etc/docker/other': '' })
    await symlink('../../srv/daemon.json', here.path('etc/docker/daemon.json'))
    expect((await here.shoal('docker', '--registry', 'docker.io')).exit).toBe(0)
    expect(await here.read('srv/daemon.json')).toContain('registry-mirrors')
    expect(await readdir(here.path('etc/docker'))).toEqual(['daemon.json', 'other'])
  })
})

describe('undo', () => {
  test('restores every file of several setups, and removes what was not there', async () => {
    const text = 'version = 2 # by hand'
    await using here = await machine({ [config]: text })
    await here.shoal('containerd', '--own', 'a.test')
    await here.shoal('containerd', '--all', '--fallback', 'no')
    expect(await here.shoal('containerd', '--undo')).toMatchObject({ exit: 0, complaint: '' })
    expect([await here.read(config), await here.files()]).toEqual([text, 1])
    expect(await readdir(here.path('etc/containerd'))).toEqual(['config.toml'])
    expect(await here.shoal('containerd', '--undo')).toMatchObject({ exit: 0, text: 'nothing to change' })
  })

  test('takes out only our lines where somebody has added others', async () => {
    await using here = await machine({ [config]: 'version = 2\n' })
    await here.shoal('containerd', '--own', 'a.test')
    await writeFile(here.path(config), `${await here.read(config)}[grpc]\nuid = 1\n`)
    expect((await here.shoal('containerd', '--undo')).exit).toBe(0)
    expect(await here.read(config)).toBe('version = 2\n[grpc]\nuid = 1\n')
  })

  test('changes nothing at all when one file cannot be taken back', async () => {
    await using here = await machine({ [config]: 'version = 2\n' })
    await here.shoal('containerd', '--own', 'a.test')
    const [edited, changed] = [await here.read(config), `${await here.read(hosts)}# mine\n`]
    await writeFile(here.path(hosts), changed)
    const { exit, complaint } = await here.shoal('containerd', '--undo')
    expect(exit).toBe(1)
    expect(complaint).toMatch(
      /^shoal setup: CHANGED_MEANWHILE: \/etc\/containerd\/certs\.d\/a\.test\/hosts\.toml: somebody/,
    )
    expect([await here.read(config), await here.read(hosts)]).toEqual([edited, changed])
    await rm(here.path(hosts))
    expect((await here.shoal('containerd', '--undo')).exit).toBe(0)
  })

  test('takes back a setup that failed half way', async () => {
    await using here = await machine({ [config]: 'version = 2\n', 'etc/containerd/certs.d': 'no folder' })
    const { exit, complaint } = await here.shoal('containerd', '--own', 'a.test')
    expect([exit, complaint]).toEqual([1, expect.stringContaining('ENOTDIR')])
    expect(await here.read(config)).toContain('config_path')
    expect((await here.shoal('containerd', '--undo')).exit).toBe(0)
    expect(await here.read(config)).toBe('version = 2\n')
  })

  test('of podman takes back what was set up for CRI-O, since both have one file', async () => {
    await using here = await machine()
    await here.shoal('crio', '--own', 'a.test')
    expect((await here.shoal('podman', '--own', 'a.test')).text).toContain('nothing to change')
    await here.shoal('podman', '--undo')
    expect(await here.files()).toBe(0)
  })
})

describe('refused, and nothing is written, is', () => {
  test.each([
    ['a broken config.toml', config, 'version = 2\n[[[\n', ['containerd', '--all'], /config\.toml:2: /],
    ['a broken hosts.toml', hosts, 'server\n', ['containerd', '--own', 'a.test'], /hosts\.toml:1: /],
    ['text that is no UTF-8', config, '\u00ff', ['containerd', '--all'], /no UTF-8/],
    ['a broken daemon.json', 'etc/docker/daemon.json', '{\n', ['docker', '--all'], /daemon\.json:2: /],
    [
      'a broken registries.conf',
      'etc/containers/registries.conf',
      '=',
      ['podman', '--own', 'a.test'],
      /registries\.conf:1: /,
    ],
    [
      'certificates in the old form',
      'etc/containerd/certs.d/a.test/ca.crt',
      '',
      ['containerd', '--own', 'a.test'],
      /ca\.crt/,
    ],
    ['a flag that docker has no setting for', 'x', '', ['docker', '--all', '--fallback', 'no'], /docker always asks/],
    ['every registry, for podman', 'x', '', ['podman', '--all'], /no entry for every registry/],
    ['nothing to set up', 'x', '', ['containerd'], /say which registries/],
  ])('%s', async (...given) => {
    const [, path, text, [engine = '', ...words], message] = given
    await using here = await machine()
    await mkdir(dirname(here.path(path)), { recursive: true })
    await writeFile(here.path(path), text, 'latin1')
    const { exit, complaint } = await here.shoal(engine, ...words)
    expect([exit, await here.files()]).toEqual([2, 1])
    expect(complaint).toMatch(/^shoal setup: CONFIG_INVALID: /)
    expect(complaint).toMatch(message)
  })

  test.each([
    ['to a file', 'etc/docker/daemon.json', 'daemon.json'],
    ['to a folder without the file', 'etc/docker', ''],
  ])('a link that leads out of the root is refused: %s', async (_what, link, target) => {
    await using here = await machine({ 'etc/other': '' })
    await using outside = await machine({ 'daemon.json': '{}' })
    await mkdir(dirname(here.path(link)), { recursive: true })
    await symlink(target === '' ? outside.root : outside.path(target), here.path(link))
    if (target === '') await rm(outside.path('daemon.json'))
    const { exit, complaint } = await here.shoal('docker', '--registry', 'docker.io')
    expect([exit, await outside.files()]).toEqual([2, target === '' ? 0 : 1])
    expect(complaint).toContain('is a link to')
  })
})
