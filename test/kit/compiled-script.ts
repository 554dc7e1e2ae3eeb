import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { transformFile } from '@swc/core'

const project = resolve(import.meta.dirname, '..', '..')
/** Matches the relative imports of compiled code. */
const imports = /(from|import) ["'](\.[^"']+)\.ts["']/g

/**
 * Compiles a script of this project and its imports to plain JavaScript below `folder`; returns the path of the
 * compiled script. For children that are started so often that loading TypeScript would take most of the time.
 */
export async function compiledScript(script: string, folder: string): Promise<string> {
  const target = (source: string) => join(folder, relative(project, source)).replace(/\.ts$/, '.js')
  const seen = new Set<string>()
  const compile = async (source: string): Promise<void> => {
    if (seen.has(source)) return
    seen.add(source)
    const { code } = await transformFile(source, {
      jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    })
    await mkdir(dirname(target(source)), { recursive: true })
    await writeFile(target(source), code.replaceAll(imports, '$1 "$2.js"'))
    const next = [...code.matchAll(imports)].map(([, , path = '']) => resolve(dirname(source), `${path}.ts`))
    await Promise.all(next.map(compile))
  }
  await compile(script)
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'))
  return target(script)
}
