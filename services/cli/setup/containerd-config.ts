import { appError } from '../../../lib/base/index.ts'
import {
  endedText,
  firstEditTo,
  isTable,
  lineEndOf,
  readToml,
  sameToml,
  type TomlTable,
  tableAt,
  tomlText,
} from './toml.ts'

/** The plugin that pulls images, by the version of the config file. */
const IMAGE_PLUGINS: Readonly<Record<number, string>> = {
  2: 'io.containerd.grpc.v1.cri',
  3: 'io.containerd.cri.v1.images',
}

/** Where containerd looks for `HOST/hosts.toml` when nobody has chosen another folder. */
export const USUAL_HOSTS_FOLDER = '/etc/containerd/certs.d'

/** One of the files that make up the config of containerd: the main one, or one that it imports. */
export interface ConfigFile {
  readonly path: string
  readonly text: string
}

export interface HostsFolder {
  /** The folder that holds a folder for each registry. */
  readonly folder: string
  /** The file whose text must change first, so that containerd looks there. */
  readonly edit?: ConfigFile
  /** containerd's own pulls, for Kubernetes, are off: no file names the folder. */
  readonly isOff?: true
}

interface Read extends ConfigFile {
  readonly table: TomlTable
  readonly plugin: string
}

/** @throws CONFIG_INVALID */
function readConfig({ path, text }: ConfigFile, versionAbove: unknown): Read {
  const table = readToml(text, path)
  const version = table['version'] ?? versionAbove
  const plugin = typeof version === 'number' ? IMAGE_PLUGINS[version] : undefined
  if (plugin !== undefined) return { path, text, table, plugin }
  throw appError('CONFIG_INVALID', {
    message: `${path}: its version is ${typeof version === 'number' ? version : '1, for none is given'}; shoal knows 2 and 3. See \`containerd config migrate\``,
  })
}

const isOff = ({ table, plugin }: Read): boolean => {
  const { disabled_plugins: off } = table
  return Array.isArray(off) && (off.includes(plugin) || off.includes('cri') || off.includes(IMAGE_PLUGINS[2]))
}

/** @throws CONFIG_INVALID when containerd would start with the table no more, or not look into the folder */
function checkRegistry(registry: TomlTable, path: string): void {
  const mirrors = registry['mirrors']
  if (isTable(mirrors) && Object.keys(mirrors).length > 0) {
    throw appError('CONFIG_INVALID', {
      message: `${path}: it has registry.mirrors, and containerd does not start with both these and config_path; move them to hosts.toml files first`,
    })
  }
  const folder = registry['config_path']
  if (typeof folder === 'string' && folder.split(':').filter(Boolean).length > 1) {
    throw appError('CONFIG_INVALID', {
      message: `${path}: config_path names two folders (${folder}), and containerd 2 then reads no hosts.toml at all, without a word; name one`,
    })
  }
}

/**
 * Finds the folder for hosts.toml in the config of containerd, given as the main file and those it imports, in the order
 * in which containerd reads them: the last one with the plugin's table wins. No file at all is as good as a main file
 * without a word.
 * @throws CONFIG_INVALID for a file that is not understood; nothing may be changed then
 */
export function hostsFolder(main: string, files: readonly ConfigFile[]): HostsFolder {
  const [first, ...imported] = files
  if (first === undefined) {
    const text = ['version = 2', '', ...registryTable(IMAGE_PLUGINS[2] ?? ''), ''].join('\n')
    return { folder: USUAL_HOSTS_FOLDER, edit: { path: main, text } }
  }
  const version = readToml(first.text, first.path)['version']
  if (version === undefined && isOffWithoutVersion(first)) return { folder: USUAL_HOSTS_FOLDER, isOff: true }
  const read = [first, ...imported].map((file) => readConfig(file, version))
  if (read.some(isOff)) return { folder: USUAL_HOSTS_FOLDER, isOff: true }
  const last = read.findLast(({ table, plugin }) => tableAt(table, ['plugins', plugin]) !== undefined) ?? read[0]
  if (last === undefined) throw appError('CONFIG_INVALID')
  const registry = tableAt(last.table, ['plugins', last.plugin, 'registry']) ?? {}
  checkRegistry(registry, last.path)
  const folder = registry['config_path']
  if (typeof folder === 'string' && folder !== '') return { folder: folder.replace(/:+$|^:+/g, '') }
  return { folder: USUAL_HOSTS_FOLDER, edit: { path: last.path, text: withConfigPath(last) } }
}

/** Docker's packages bring a file without a version in which the plugin is off. */
const isOffWithoutVersion = ({ path, text }: ConfigFile): boolean => {
  const { disabled_plugins: off } = readToml(text, path)
  return Array.isArray(off) && off.includes('cri')
}

const setting = `config_path = ${tomlText(USUAL_HOSTS_FOLDER)}`

const registryTable = (plugin: string): readonly string[] => [`[plugins.${tomlText(plugin)}.registry]`, `  ${setting}`]

function* belowHeaders(text: string, line: string): Iterable<string> {
  const end = lineEndOf(text)
  for (const { 0: found, 1: indent = '', index } of text.matchAll(/^([ \t]*)\[[^[\n][^\n]*(?:\n|$)/gm))
    yield `${text.slice(0, index)}${endedText(found)}${indent}  ${line}${end}${text.slice(index + found.length)}`
}

/** Every text that may set the key, the likeliest first. */
function* edits({ text, plugin }: Read): Iterable<string> {
  const end = lineEndOf(text)
  for (const { 0: found, index } of text.matchAll(/config_path\s*=\s*(?:"[^"\n]*"|'[^'\n]*')/g))
    yield text.slice(0, index) + setting + text.slice(index + found.length)
  yield* belowHeaders(text, setting)
  const table = registryTable(plugin).map((line) => line + end)
  yield endedText(text) + (text.trim() === '' ? '' : end) + table.join('')
  yield* belowHeaders(text, `registry.${setting}`)
  for (const { 0: found, index } of text.matchAll(/registry["']?\s*=\s*\{/g)) {
    const rest = text.slice(index + found.length)
    // The parser takes a comma before the brace, but that of containerd does not.
    yield `${text.slice(0, index + found.length)} ${setting}${rest.trimStart().startsWith('}') ? '' : ','}${rest}`
  }
}

/** @throws CONFIG_INVALID when no edit gives what is wanted */
function withConfigPath(file: Read): string {
  const { table, plugin, path } = file
  const plugins = tableAt(table, ['plugins']) ?? {}
  const own = tableAt(plugins, [plugin]) ?? {}
  const registry = tableAt(own, ['registry']) ?? {}
  const wanted = {
    ...table,
    plugins: { ...plugins, [plugin]: { ...own, registry: { ...registry, config_path: USUAL_HOSTS_FOLDER } } },
  }
  const edited = firstEditTo(edits(file), (result) => sameToml(result, wanted))
  if (edited !== undefined) return edited
  throw appError('CONFIG_INVALID', {
    message: `${path}: shoal cannot add the line without a change of others; write ${setting} into the registry table of plugin ${plugin}`,
  })
}
