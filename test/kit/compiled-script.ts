import { createHash, randomUUID } from 'node:crypto'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { build, stop } from 'esbuild'
import { hasCode, keyedLock } from '../../lib/base/index.ts'

const project = resolve(import.meta.dirname, '..', '..')
/** Below `node_modules`, so that compiled code finds the packages that are not bundled. */
const cache = join(project, 'node_modules', '.cache', 'shoal-tests')
const sources = ['lib', 'services', 'test']
/**
 * With binary parts, looked up by their path, or with files that they look for beside themselves; and CommonJS that is
 * imported later, whose names a bundle does not have.
 */
const external = ['classic-level', 'bcryptjs', '@volcengine/tos-sdk', '@redis/client', 'libsql', 'pg']
/** Packages in CommonJS call the `require` of Node. */
const banner = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);"
const keptMs = 24 * 60 * 60_000

/**
 * Bundles a script of this project with all that it imports, also later and from packages, as JavaScript; returns the
 * path of what is to be run. Tests start children by the hundred, and loading their thousand modules one by one takes
 * most of the time of a start. What was made is kept as long as no source and no package changes; several tests may ask
 * for it at once.
 */
export async function compiledScript(script: string): Promise<string> {
  const source = resolve(project, script)
  const name = relative(project, source).replace(/\.ts$/, '')
  state ??= stateOfProject()
  const folder = join(cache, await state, name)
  const made = join(folder, `${basename(name)}.mjs`)
  await turns.run(cache, async () => {
    if (!(await exists(folder))) await make(source, folder)
  })
  return made
}

let state: Promise<string> | undefined
/** The end of one ends the compiler for all. */
const turns = keyedLock()

async function make(source: string, folder: string): Promise<void> {
  const scratch = `${folder}.${randomUUID()}`
  await bundle(source, scratch)
  try {
    await rename(scratch, folder)
  } catch (err) {
    // Another process was faster.
    if (!hasCode(err, 'ENOTEMPTY', 'EEXIST')) throw err
    await rm(scratch, { recursive: true, force: true })
  }
  await removeOld()
}

async function bundle(source: string, folder: string): Promise<void> {
  await build({
    ...{ entryPoints: [source], outdir: folder, bundle: true, splitting: true, external, banner: { js: banner } },
    ...{ platform: 'node', format: 'esm', target: 'node20', outExtension: { '.js': '.mjs' }, logLevel: 'silent' },
  })
  await stop()
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Changes whenever a source does, or a package. */
async function stateOfProject(): Promise<string> {
  const files = [join(project, 'package-lock.json'), ...(await Promise.all(sources.map(filesBelow))).flat()]
  const states = await Promise.all(
    files.toSorted().map(async (path) => {
      const { size, mtimeMs } = await stat(path)
      return `${path} ${size} ${mtimeMs}`
    }),
  )
  return createHash('sha256').update(states.join('\n')).digest('hex').slice(0, 32)
}

async function filesBelow(name: string): Promise<readonly string[]> {
  const entries = await readdir(join(project, name), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name: file }) => join(parentPath, file))
}

async function removeOld(): Promise<void> {
  const names = await readdir(cache)
  for (const name of names) {
    const path = join(cache, name)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs > keptMs) await rm(path, { recursive: true, force: true })
  }
}
