/**
 * Installs the Debian packages whose programs the interop and e2e tests use. Does nothing when all are installed, and
 * needs root otherwise. It uses only Node, so that it can run before `npm ci`.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { installHelm } from './install-helm.js'

const packages = JSON.parse(readFileSync(join(import.meta.dirname, 'debian-packages.json'), 'utf8'))
const folders = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin']

function isInstalled(program) {
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function missing() {
  return Object.keys(packages).filter((name) => !isInstalled(packages[name]))
}

function apt(...args) {
  // Without a policy, a package starts its daemon with the machine's default paths; the tests start their own daemons.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const { status } = spawnSync('apt-get', ['-q', ...args], { stdio: ['ignore', 2, 2], env })
  if (status !== 0) fail(`apt-get ${args[0]} failed`)
}

function fail(reason) {
  const list = missing().join(' ')
  process.stderr.write(`${reason}\nthe e2e tests need: apt-get install --no-install-recommends ${list}\n`)
  process.exit(1)
}

if (missing().length > 0) {
  if (process.getuid?.() !== 0) fail('programs are missing, and only root can install them')
  apt('update')
  apt('install', '-y', '--no-install-recommends', ...Object.keys(packages))
  if (missing().length > 0) fail('programs are missing after the installation')
}

installHelm()
