import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { transformFile } from '@swc/core'
import { hasCode } from '../../lib/base/index.ts'

const project = resolve(import.meta.dirname, '..', '..')
/** Below `node_modules`, so that compiled code finds its packages. */
const cache = join(project, 'node_modules', '.cache', 'shoal-tests')
const sources = ['lib', 'services', 'test']
const keptMs = 24 * 60 * 60_000
/** Matches the relative imports of compiled code. */
const imports = /(from|import) ["'](\.[^"']+)\.ts["']/g

/**
 * Compiles a script of this project and its imports to plain JavaScript; returns the path of the compiled script. Tests
 * start children by the hundred, and loading TypeScript takes most of the time of such a start. What is compiled is kept
 * as long as no source changes; several tests may ask for it at once.
 */
export function compiledScript(script: string): Promise<string> {
  const source = resolve(project, script)
  const made = inThisProcess.get(source) ?? madeOf(source)
  inThisProcess.set(source, made)
  return made
}

const inThisProcess = new Map<string, Promise<string>>()

async function madeOf(source: string): Promise<string> {
  const folder = join(cache, hashOf(`${await stateOfSources()} ${source}`))
  const target = compiledPath(folder, source)
  if (await exists(target)) return target
  const scratch = `${folder}.${randomUUID()}`
  await compile(source, scratch)
  try {
    await rename(scratch, folder)
  } catch (err) {
    // Another process was faster.
    if (!hasCode(err, 'ENOTEMPTY', 'EEXIST')) throw err
    await rm(scratch, { recursive: true, force: true })
  }
  await removeOld()
  return target
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32)

const compiledPath = (folder: string, source: string) => join(folder, relative(project, source)).replace(/\.ts$/, '.js')

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Changes whenever a source does. */
async function stateOfSources(): Promise<string> {
  const files = (await Promise.all(sources.map(filesBelow))).flat().filter((path) => path.endsWith('.ts'))
  const states = await Promise.all(
    files.sort().map(async (path) => {
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

async function compile(script: string, folder: string): Promise<void> {
  const seen = new Set<string>()
  const one = async (source: string): Promise<void> => {
    if (seen.has(source)) return
    seen.add(source)
    const { code } = await transformFile(source, {
      jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    })
    const target = compiledPath(folder, source)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, code.replaceAll(imports, '$1 "$2.js"'))
    const next = [...code.matchAll(imports)].map(([, , path = '']) => resolve(dirname(source), `${path}.ts`))
    await Promise.all(next.map(one))
  }
  await one(script)
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
