/**
 * The entry of the npm scripts; it needs nothing but Node. Installs the dependencies when they are missing or the
 * lockfile has changed (npm's output goes to stderr) and builds the console where it is looked at, then runs the real program in a child process. The scripts `exec`
 * it: npm sends signals only to the process that it started, and a shell in between would end and leave this one
 * running.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { buildConsoleIfNeeded } from './build-console.js'

const root = join(import.meta.dirname, '..', '..')
const stamp = join(root, 'node_modules', '.shoal-lockfile')
const jest = ['node_modules/jest/bin/jest.js']

/** The arguments of `node` for each verb; the caller's arguments follow them. */
const verbs = {
  start: ['--import', 'tsx', 'services/herd/main.ts'],
  test: [...jest, '--selectProjects', 'unit', 'contract', 'property', 'integration', 'abuse', 'chaos', '--'],
  e2e: [...jest, '--maxWorkers=2', '--selectProjects', 'interop', 'e2e', '--'],
  bench: ['--import', 'tsx', 'test/bench/run.ts'],
  abuse: ['--import', 'tsx', 'test/abuse/mixed/main.ts'],
  chaos: ['--import', 'tsx', 'test/chaos/main.ts'],
  install: [],
}

function installIfNeeded() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  process.stderr.write('shoal: installing dependencies (npm ci)\n')
  const done = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (done.status !== 0) {
    process.stderr.write('shoal: npm ci failed; the lines above say why\n')
    process.exit(done.status ?? 1)
  }
  writeFileSync(stamp, lock)
}

function installPackages() {
  const done = spawnSync(process.execPath, ['test/kit/install-packages.js'], { cwd: root, stdio: 'inherit' })
  if (done.status !== 0) process.exit(done.status ?? 1)
}

function handOver(args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal])
  })
}

const [verb, ...rest] = process.argv.slice(2)
const program = verbs[verb]
if (program === undefined) {
  process.stderr.write(`shoal: unknown verb ${String(verb)}; one of ${Object.keys(verbs).join(', ')}\n`)
  process.exit(2)
}
installIfNeeded()
if (verb === 'start' || verb === 'e2e') buildConsoleIfNeeded(root)
if (verb === 'e2e') installPackages()
if (program.length > 0) handOver([...program, ...rest])
