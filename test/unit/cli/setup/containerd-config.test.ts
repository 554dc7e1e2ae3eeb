import { describe, expect, test } from '@jest/globals'
import { hostsFolder } from '../../../../services/cli/setup/containerd-config.ts'
import { lineDiff } from '../../../../services/cli/setup/line-diff.ts'

const main = '/etc/containerd/config.toml'
const usual = '/etc/containerd/certs.d'
const v2 = 'plugins."io.containerd.grpc.v1.cri"'
const v3 = "plugins.'io.containerd.cri.v1.images'"

/** The lines that are added to and taken from a config. */
function edited(text: string): readonly string[] {
  const { folder, edit } = hostsFolder(main, [{ path: main, text }])
  expect([folder, edit?.path]).toEqual([usual, main])
  return lineDiff(main, text, edit?.text)
    .split('\n')
    .slice(3)
    .filter((line) => !line.startsWith(' '))
}

describe('the line is added where it belongs', () => {
  const added = `+  config_path = "${usual}"`

  test('in place of an empty value, whatever quotes it has', () => {
    expect(edited(`version = 2\n[${v2}.registry]\n  config_path = ""\n`)).toEqual([
      '-  config_path = ""',
      `+  config_path = "${usual}"`,
    ])
    expect(edited(`version = 3\n[${v3}.registry]\n  config_path = '' # none\n`)).toEqual([
      "-  config_path = '' # none",
      `+  config_path = "${usual}" # none`,
    ])
  })

  test('below the header of the table that is there', () => {
    expect(edited(`version = 2\n[${v2}.registry] # ours\n[${v2}.registry.headers]\n`)).toEqual([added])
    expect(edited(`version = 3\n[${v3}]\n[${v3}.registry]`)).toEqual([
      `-[${v3}.registry]`,
      '\\ No newline at end of file',
      `+[${v3}.registry]`,
      added,
    ])
  })

  test('as a table of its own at the end', () => {
    expect(edited('version = 2\n')).toEqual(['+', `+[${v2}.registry]`, added])
    expect(edited('version = 3\nroot = "/data"\n')).toEqual([
      '+',
      '+[plugins."io.containerd.cri.v1.images".registry]',
      added,
    ])
  })

  test('as a dotted key where the table was begun so, and within an inline table', () => {
    expect(edited(`version = 2\n[${v2}]\nregistry.headers = {}\n`)).toEqual([`+  registry.config_path = "${usual}"`])
    expect(edited(`version = 2\n[${v2}]\nregistry = { headers = {} }\n`)).toEqual([
      '-registry = { headers = {} }',
      `+registry = { config_path = "${usual}", headers = {} }`,
    ])
    expect(edited(`version = 2\n[${v2}]\nregistry = { }\n`)).toContain(`+registry = { config_path = "${usual}" }`)
  })

  test('and not within a long string that looks like it', () => {
    const decoy = `note = """\n[${v2}.registry]\nconfig_path = ""\n"""\n`
    expect(edited(`version = 2\n${decoy}`)).toEqual(['+', `+[${v2}.registry]`, added])
  })

  test('with the line ends of the file', () => {
    const text = `version = 2\r\n[${v2}.registry]\r\n`
    expect(hostsFolder(main, [{ path: main, text }]).edit?.text).toBe(`${text}  config_path = "${usual}"\r\n`)
  })

  test('in a new file where there is none', () => {
    const text = `version = 2\n\n[${v2}.registry]\n  config_path = "${usual}"\n`
    expect(hostsFolder(main, [])).toEqual({ folder: usual, edit: { path: main, text } })
  })
})

describe('nothing is added', () => {
  test('when the config names a folder already', () => {
    const text = `version = 2\n[${v2}.registry]\nconfig_path = "/srv/hosts"\n`
    expect(hostsFolder(main, [{ path: main, text }])).toEqual({ folder: '/srv/hosts' })
  })

  test.each([
    ['version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]'],
    ['version = 3\ndisabled_plugins = ["io.containerd.cri.v1.images"]'],
    ['disabled_plugins = ["cri"]'],
  ])('when the plugin is off: %s', (text) => {
    expect(hostsFolder(main, [{ path: main, text }])).toEqual({ folder: usual, isOff: true })
  })
})

describe('of several files', () => {
  const other = '/etc/containerd/conf.d/a.toml'
  const first = {
    path: main,
    text: `version = 2\nimports = ["conf.d/*.toml"]\n[${v2}.registry]\nconfig_path = "/main"\n`,
  }

  test('the last one with the table of the plugin decides', () => {
    const second = { path: other, text: `version = 2\n[${v2}.registry]\nconfig_path = "/other"\n` }
    expect(hostsFolder(main, [first, second])).toEqual({ folder: '/other' })
    expect(hostsFolder(main, [first, { path: other, text: 'version = 2\n[grpc]\n' }])).toEqual({ folder: '/main' })
  })

  test('and is the one that is edited', () => {
    const second = { path: other, text: `[${v2}]\nsandbox_image = "pause"\n` }
    expect(hostsFolder(main, [first, second]).edit?.path).toBe(other)
  })
})

describe('refused, with the file, is', () => {
  const refusal = (text: string) => () => hostsFolder(main, [{ path: main, text }])
  const coded = (message: RegExp) =>
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) })

  test.each([
    ['a broken file, with its line', 'version = 2\n[oops\n', /config\.toml:2: this is no valid TOML/],
    ['two folders', `version = 3\n[${v3}.registry]\nconfig_path = "/a:/b"`, /names two folders \(\/a:\/b\)/],
    ['the old mirrors', `version = 2\n[${v2}.registry.mirrors."docker.io"]\nendpoint = []`, /registry\.mirrors/],
    ['a version that is not known', 'version = 9', /its version is 9/],
    ['no version', 'root = "/data"', /its version is 1/],
  ])('%s', (_what, text, message) => {
    expect(refusal(text)).toThrow(coded(message))
  })
})
