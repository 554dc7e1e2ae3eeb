import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { type JscConfig, transformFile } from '@swc/core'
import { hasCode } from '../../lib/base/index.ts'

const project = resolve(import.meta.dirname, '..', '..')
/** Below `node_modules`, so that compiled code finds its packages. */
const cache = join(project, 'node_modules', '.cache', 'shoal-tests')
const sources = ['lib', 'services', 'test']
/** `x.ts` becomes `x.js` in every import, also in those at run time; the types of the compiler do not know the option. */
const jsc: JscConfig = Object.assign({ rewriteRelativeImportExtensions: true }, {
  target: 'es2023',
  parser: { syntax: 'typescript' },
} satisfies JscConfig)
const keptMs = 24 * 60 * 60_000

/**
 * Compiles this project to plain JavaScript; returns the path of the compiled script. Tests start children by the
 * hundred, and loading TypeScript takes most of the time of such a start. All sources are compiled, in half a second: a
 * script then finds whatever it imports, however it does. What is compiled is kept as long as no source changes; several
 * tests may ask for it at once.
 */
export async function compiledScript(script: string): Promise<string> {
  made ??= compiledProject()
  return compiledPath(await made, resolve(project, script))
}

let made: Promise<string> | undefined

/** The folder of what was compiled. */
async function compiledProject(): Promise<string> {
  const files = (await Promise.all(sources.map(filesBelow))).flat().filter((path) => path.endsWith('.ts'))
  const folder = join(cache, hashOf(await stateOf(files)))
  if (await exists(folder)) return folder
  const scratch = `${folder}.${randomUUID()}`
  await compile(files, scratch)
  try {
    await rename(scratch, folder)
  } catch (err) {
    // Another process was faster.
    if (!hasCode(err, 'ENOTEMPTY', 'EEXIST')) throw err
    await rm(scratch, { recursive: true, force: true })
  }
  await removeOld()
  return folder
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)

const compiledPath = (folder: string, source: string) => join(folder, relative(project, source)).replace(/\.ts$/, '.js')

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Changes whenever a source does. */
async function stateOf(files: readonly string[]): Promise<string> {
  const states = await Promise.all(
    files.toSorted().map(async (path) => {
      const { size, mtimeMs } = await stat(path)
      return `${path} ${size} ${mtimeMs}`
    }),
  )
  return states.join('\n')
}

async function filesBelow(name: string): Promise<readonly string[]> {
  const entries = await readdir(join(project, name), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name: file }) => join(parentPath, file))
}

async function compile(files: readonly string[], folder: string): Promise<void> {
  const one = async (source: string) => {
    const { code } = await transformFile(source, {
      jsc,
      module: { type: 'es6' },
    })
    const target = compiledPath(folder, source)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, code)
  }
  await Promise.all(files.map(one))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
}

async function removeOld(): Promise<void> {
  const names = await readdir(cache)
  for (const name of names) {
    const path = join(cache, name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs > keptMs) await rm(path, { recursive: true, force: true })
  }
}
