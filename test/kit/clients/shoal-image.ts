import { execFileSync } from 'node:child_process'
import { chmod, copyFile, cp, mkdir, realpath, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { run } from '../run.ts'
import type { ContainerTools } from './containers.ts'
import { searchPath } from './requirements.ts'

const project = resolve(import.meta.dirname, '..', '..', '..')

/** Far more than a busy machine needs. */
const BUILD_MS = 900_000

/** Whom npm trusts, on machines whose registry has a certificate of their own authority; in the image in which is built. */
const AUTHORITY = '/authority.crt'

/** Stands for what a registry is told to know its callers; no file of the image may have it. */
export const BUILD_SECRET = 'the-token-of-the-package-registry'

/**
 * Builds docker/Dockerfile with buildah, under the name `reference`, on two images that are made of this machine's own Node,
 * npm and libraries, since no public image can be had: where it is built, and what it runs on, which has no shell. npm
 * takes the packages from its own cache on this machine, which has them since `npm ci`, and else from its registry.
 */
export async function buildShoalImage({ buildah, folder }: ContainerTools, reference: string): Promise<void> {
  const [base, runtime] = ['localhost/node-and-npm:t1', 'localhost/libraries:t1']
  await writeFile(join(folder, 'Dockerfile'), 'FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin:/usr/bin:/bin\n')
  const build = (...words: readonly string[]) =>
    buildah(['build', '--format', 'docker', '--isolation', 'chroot', '--pull-never', ...words], { timeoutMs: BUILD_MS })
  const made = (name: string, root: string) => build('--file', join(folder, 'Dockerfile'), '--tag', name, root)
  await made(runtime, await librariesIn(join(folder, 'libraries')))
  const root = await nodeAndNpmIn(join(folder, 'base'))
  const hasAuthority = npmConfig('cafile') !== 'null'
  if (hasAuthority) await copied(npmConfig('cafile'), join(root, AUTHORITY))
  await made(base, root)
  const npmrc = join(folder, 'npmrc')
  const lines = [`registry=${npmConfig('registry')}`, `//registry.invalid/:_authToken=${BUILD_SECRET}`]
  if (hasAuthority) lines.push(`cafile=${AUTHORITY}`)
  await writeFile(npmrc, `${lines.join('\n')}\n`)
  await build(
    ...['--network', 'host', '--file', join(project, 'docker', 'Dockerfile'), '--tag', reference],
    ...['--build-arg', `BASE=${base}`, '--build-arg', `RUNTIME=${runtime}`],
    ...['--build-arg', 'NPM_FLAGS=--prefer-offline --cache=/npm-cache', '--volume', `${npmConfig('cache')}:/npm-cache`],
    ...['--secret', `id=npmrc,src=${npmrc}`, '--build-arg', 'VERSION=1.2.3', '--build-arg', 'REVISION=abc'],
    project,
  )
}

const npmConfig = (key: string): string => execFileSync('npm', ['config', 'get', key], { encoding: 'utf8' }).trim()

/** Part of the C library of Debian, as those that Node needs; native packages of npm ask for it. */
const ALSO_THERE = 'librt.so.1'

/** The libraries of this machine that Node needs, at the paths where it looks for them. */
async function librariesIn(root: string): Promise<string> {
  const { stdout } = await run('ldd', [await realpath(process.execPath)])
  const paths = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path)
  const beside = paths.find((path) => path.endsWith('/libc.so.6'))
  if (beside !== undefined) paths.push(join(dirname(beside), ALSO_THERE))
  for (const path of paths) await copied(path, join(root, path))
  await mkdir(join(root, 'etc'))
  await mkdir(join(root, 'tmp'))
  await chmod(join(root, 'tmp'), 0o1777)
  return root
}

/** What building needs: Node and npm where the official images have them, and the commands of a shell. */
async function nodeAndNpmIn(root: string): Promise<string> {
  await librariesIn(root)
  const bin = join(root, 'usr/local/bin')
  await copied(await realpath(process.execPath), join(bin, 'node'))
  const npm = await realpath(join(dirname(await realpath(programPath('npm'))), '..'))
  const modules = join(root, 'usr/local/lib/node_modules')
  await cp(npm, join(modules, 'npm'), { recursive: true })
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm'))
  await copied(await realpath(programPath('busybox')), join(root, 'bin/busybox'))
  await mkdir(join(root, 'usr/bin'), { recursive: true })
  for (const name of ['sh', 'mkdir', 'mv', 'ln']) await symlink('busybox', join(root, 'bin', name))
  await symlink('/bin/busybox', join(root, 'usr/bin/env'))
  await mkdir(join(root, 'root'))
  return root
}

function programPath(name: string): string {
  return execFileSync('/bin/sh', ['-c', `command -v ${basename(name)}`], {
    encoding: 'utf8',
    env: { PATH: searchPath },
  }).trim()
}

async function copied(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await copyFile(from, to)
}
