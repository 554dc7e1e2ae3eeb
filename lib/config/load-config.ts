import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { appError } from '../base/index.ts'
import { hintsFor } from './key-hints.ts'
import { deepFreeze, deepMerge, isTree, type Tree, treeAt } from './merge.ts'

export interface ConfigSources {
  /**
   * A YAML file. Its `extends` names another file, relative to this one; this file's values override that file's
   * values.
   */
  readonly file?: string | undefined
  /** A YAML file of the same shape for secrets, which must not be in `file`. */
  readonly secretsFile?: string | undefined
  /** A variable `SHOAL__a__b` sets the key `a.b`; all other variables are ignored. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** `a.b=c`; the value is parsed as YAML, or kept as text when it is not valid YAML. */
  readonly overrides?: readonly string[] | undefined
}

const ENV_PREFIX = 'SHOAL__'

const invalid = (message: string, cause?: unknown) => appError('CONFIG_INVALID', { message, cause })

const parseYaml = (text: string, where: string): unknown => {
  try {
    return parse(text, { prettyErrors: true }) as unknown
  } catch (err) {
    throw invalid(`${where}: ${yamlTrouble(err)}`)
  }
}

/** What is wrong and where. Never the parser's own sentence: it shows the line, which may hold a secret. */
const yamlTrouble = (err: unknown): string => {
  const { code, linePos } = err as {
    readonly code?: unknown
    readonly linePos?: readonly { line: number; col: number }[]
  }
  const reason = typeof code === 'string' ? code.toLowerCase().replaceAll('_', ' ') : 'malformed'
  const at = linePos?.[0]
  return `it is no YAML: ${reason}${at === undefined ? '' : ` at line ${at.line}, column ${at.col}`}`
}

const OTHERS = 0o007

/** A secret that every user of the machine can read is none. @throws CONFIG_INVALID */
export async function refuseReadable(file: string, what: string): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  if (found === undefined || (found.mode & OTHERS) === 0) return
  throw invalid(
    `every user of this machine may use ${what} ${file}; take that right away: chmod o-rwx, or in Kubernetes defaultMode: 0440 and fsGroup`,
  )
}

/** A value on a command line: YAML where it is YAML, else the text itself, such as `[::1]:5000`. */
const looseValue = (text: string): unknown => {
  try {
    return parse(text) as unknown
  } catch {
    return text
  }
}

const readTree = async (file: string): Promise<Tree> => {
  const text = await readFile(file, 'utf8').catch((err: unknown) => {
    throw invalid(`cannot read the config file ${file}; check the path and its rights`, err)
  })
  const value = parseYaml(text, file) ?? {}
  if (!isTree(value)) throw invalid(`${file}: a config file is a mapping of keys`)
  return value
}

const readExtended = async (file: string, chain: readonly string[] = []): Promise<Tree> => {
  const path = resolve(file)
  if (chain.includes(path))
    throw invalid(`config files extend each other in a circle: ${[...chain, path].join(' -> ')}`)
  const { extends: parent, ...own } = await readTree(path)
  if (parent === undefined) return own
  if (typeof parent !== 'string') throw invalid(`${path}: extends names one file`)
  return deepMerge(await readExtended(resolve(dirname(path), parent), [...chain, path]), own)
}

const fromEnv = (env: NonNullable<ConfigSources['env']>): Tree => {
  let tree: Tree = {}
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || value === undefined) continue
    tree = deepMerge(tree, treeAt(name.slice(ENV_PREFIX.length).replaceAll('__', '.'), looseValue(value)))
  }
  return tree
}

const fromOverrides = (overrides: readonly string[]): Tree => {
  let tree: Tree = {}
  for (const override of overrides) {
    const equals = override.indexOf('=')
    if (equals < 1) throw invalid(`"${override}" sets nothing; write it like a.b=c`)
    tree = deepMerge(tree, treeAt(override.slice(0, equals), looseValue(override.slice(equals + 1))))
  }
  return tree
}

/** Parses a value strictly and freezes the result. @throws CONFIG_INVALID and names each bad key */
export function parseConfig<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value)
  if (!parsed.success)
    throw invalid(
      [`the configuration is invalid:`, z.prettifyError(parsed.error), ...hintsFor(schema, parsed.error)].join('\n'),
    )
  return deepFreeze(parsed.data)
}

/** The same of a text in YAML; `where` names it in errors. @throws CONFIG_INVALID */
export const parseConfigText = <S extends z.ZodType>(schema: S, text: string, where: string): z.output<S> =>
  parseConfig(schema, parseYaml(text, where))

/**
 * Reads a service's config once: file, secrets, environment, overrides. A later source overrides an earlier one.
 * @throws CONFIG_INVALID
 */
export async function loadConfig<S extends z.ZodType>(schema: S, sources: ConfigSources): Promise<z.output<S>> {
  if (sources.secretsFile !== undefined) await refuseReadable(sources.secretsFile, 'the secrets file')
  const layers = [
    sources.file === undefined ? {} : await readExtended(sources.file),
    sources.secretsFile === undefined ? {} : await readTree(sources.secretsFile),
    fromEnv(sources.env ?? {}),
    fromOverrides(sources.overrides ?? []),
  ]
  return parseConfig(schema, layers.reduce(deepMerge, {}))
}
