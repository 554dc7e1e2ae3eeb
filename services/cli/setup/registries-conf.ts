import { appError } from '../../../lib/base/index.ts'
import { isTable, readToml, type TomlTable, tomlText } from './toml.ts'

/** A place where podman and CRI-O ask for images, and whether it speaks plain HTTP. */
export interface Place {
  readonly location: string
  readonly insecure: boolean
}

/** What our drop-in says of one registry. */
export interface MirroredRegistry {
  /** The host in the names of images. */
  readonly prefix: string
  /** Asked when no mirror gives the image. */
  readonly registry: Place
  /** Asked first. Undefined: `registry` is the agent itself. */
  readonly mirror?: Place
}

const placeLines = ({ location, insecure }: Place) => [
  `location = ${tomlText(location)}`,
  ...(insecure ? ['insecure = true'] : []),
]

const entryLines = ({ prefix, registry, mirror }: MirroredRegistry): readonly string[] => [
  ...['', '[[registry]]', `prefix = ${tomlText(prefix)}`, ...placeLines(registry)],
  ...(mirror === undefined ? [] : ['', '[[registry.mirror]]', ...placeLines(mirror), 'pull-from-mirror = "all"']),
]

/** The text of our drop-in. */
export const registriesConf = (entries: readonly MirroredRegistry[]): string =>
  ['# Written by shoal setup.', ...entries.flatMap(entryLines), ''].join('\n')

const placeOf = (table: TomlTable): Place => ({
  location: String(table['location']),
  insecure: table['insecure'] === true,
})

const tablesIn = (value: unknown): readonly TomlTable[] => (Array.isArray(value) ? value.filter(isTable) : [])

/** Reads our drop-in back. @throws CONFIG_INVALID, and CHANGED_MEANWHILE when it is not as `registriesConf` writes it */
export function readRegistriesConf(text: string, file: string): readonly MirroredRegistry[] {
  const entries = tablesIn(readToml(text, file)['registry']).map((table): MirroredRegistry => {
    const [mirror] = tablesIn(table['mirror'])
    const own = { prefix: String(table['prefix']), registry: placeOf(table) }
    return mirror === undefined ? own : { ...own, mirror: placeOf(mirror) }
  })
  if (registriesConf(entries) === text) return entries
  throw appError('CHANGED_MEANWHILE', {
    message: `${file}: somebody has changed what shoal wrote there, or shoal did not write it; move the file away`,
  })
}

/**
 * Checks another file of the same settings: the last one that names a registry replaces what the others say of it.
 * @throws CONFIG_INVALID when it has one of `prefixes`, or is in the old format, which cannot be mixed with ours
 */
export function checkOtherRegistries(text: string, file: string, prefixes: readonly string[]): void {
  const table = readToml(text, file)
  if (isTable(table['registries'])) {
    throw appError('CONFIG_INVALID', {
      message: `${file}: it has the format of version 1 ([registries.search]), which does not go together with mirrors; rewrite it with unqualified-search-registries and [[registry]]`,
    })
  }
  for (const entry of tablesIn(table['registry'])) {
    const prefix = String(entry['prefix'] ?? entry['location'])
    if (!prefixes.includes(prefix)) continue
    throw appError('CONFIG_INVALID', {
      message: `${file}: it already says something of ${prefix}, and only one file can; add the mirror there by hand, or take the entry out`,
    })
  }
}
