import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { run } from '../run.ts'
import { tempFolder } from '../temp-folder.ts'

const root = resolve(import.meta.dirname, '..', '..', '..')
export const chartFolder = join(root, 'docker', 'chart')

/** An object of Kubernetes as YAML has it. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly [key: string]: unknown
}

/** Values of the chart, as JSON. */
export type Values = Readonly<Record<string, unknown>>

/** One helm, which `npm run test:e2e` has fetched. */
export interface Helm {
  readonly name: string
  /** The program, for what needs a cluster. */
  readonly program: string
  /** @throws CommandFailed */
  lint(values: Values): Promise<string>
  /** What an install into the namespace `shoal` would make, hooks included. @throws CommandFailed */
  template(
    values: Values,
    ...flags: readonly string[]
  ): Promise<{ readonly text: string; readonly all: readonly Manifest[] }>
}

const packages = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'helm-packages.json'), 'utf8')) as Readonly<
  Record<string, { readonly package: string; readonly version: string }>
>

const folderOf = ({ package: name, version }: { readonly package: string; readonly version: string }) =>
  join(root, 'node_modules/.cache/helm', `${name.split('/')[1] ?? ''}-${version}`)

function helmOf(name: string, program: string): Helm {
  const withValues = async (values: Values, args: (file: string) => readonly string[]) => {
    await using folder = await tempFolder('chart')
    const file = join(folder.path, 'values.json')
    await writeFile(file, JSON.stringify(values))
    return (await run(program, args(file))).stdout
  }
  return {
    ...{ name, program },
    lint: (values) => withValues(values, (file) => ['lint', '--strict', chartFolder, '--values', file]),
    async template(values, ...flags) {
      const text = await withValues(values, (file) => [
        ...['template', 'shoal', chartFolder, '--namespace', 'shoal', '--values', file, ...flags],
      ])
      return { text, all: manifestsIn(text) }
    },
  }
}

/** @throws an error when a document is no YAML, or has a key twice */
export function manifestsIn(text: string): readonly Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    const [broken] = document.errors
    if (broken !== undefined) throw broken
    const value = document.toJS() as Manifest | null
    return value === null ? [] : [value]
  })
}

/** Every helm that is there: one of each major version, or none. */
export const helms: readonly Helm[] = Object.entries(packages).flatMap(([major, one]) => {
  const program = join(folderOf(one), 'helm/helm')
  return existsSync(program) ? [helmOf(`helm ${major}`, program)] : []
})

/** kubectl, where it is there. */
export const kubectl: string | undefined = Object.values(packages)
  .map((one) => join(folderOf(one), 'kubectl/kubectl'))
  .findLast(existsSync)
