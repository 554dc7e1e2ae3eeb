/**
 * Builds the console of the manager when it is missing or older than its sources. Nothing depends on it: where the build
 * fails, the manager says so in place of its pages.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A build takes seconds. */
const LIMIT_MS = 120_000
const SOURCES = ['package-lock.json', 'services/manager/console-paths.ts']
const FOLDER = 'services/manager/console'

function sourcesHash(root) {
  const hash = createHash('sha256')
  const inside = readdirSync(join(root, FOLDER), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const file of [...SOURCES.map((name) => join(root, name)), ...inside.toSorted()])
    hash.update(file.slice(root.length)).update(readFileSync(file))
  return hash.digest('hex')
}

/** Says on stderr how long it took, or that it failed. */
export function buildConsoleIfNeeded(root) {
  const stamp = join(root, 'dist', 'console', '.sources')
  const hash = sourcesHash(root)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return
  const began = performance.now()
  const args = [join('node_modules', 'vite', 'bin', 'vite.js'), 'build', '--config', join(FOLDER, 'vite.config.js')]
  // Whoever calls: with another value, such as that of a test, vite leaves in what is for developers.
  const env = { ...process.env, NODE_ENV: 'production' }
  const done = spawnSync(process.execPath, args, { cwd: root, env, stdio: ['ignore', 2, 2], timeout: LIMIT_MS })
  if (done.status !== 0) {
    process.stderr.write('shoal: the console was not built; the lines above say why. Everything else works.\n')
    return
  }
  writeFileSync(stamp, hash)
  process.stderr.write(`shoal: built the console in ${((performance.now() - began) / 1_000).toFixed(1)} s\n`)
}
