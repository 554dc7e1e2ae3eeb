/**
 * Runs inside the image, where there is no shell, and prints one line of JSON for a test:
 *
 *     contents WORD...   every file with its bytes, and those that have one of the words in them
 *     load               imports every compiled file, and so every package; which of them cannot be
 *     start              milliseconds from the start of an agent until it is ready, twice
 *     process            what process 1 runs, the user, and where it may write
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const [verb, ...words] = process.argv.slice(2)
const home = '/opt/shoal'
/** They are of the kernel, or of who started the container. */
const foreign = new Set(['/proc', '/sys', '/dev', '/inside'])

async function* filesBelow(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (foreign.has(path)) continue
    if (entry.isDirectory()) yield* filesBelow(path)
    else if (entry.isFile()) yield path
  }
}

async function contents() {
  const files = []
  const wordIn = []
  for await (const path of filesBelow('/')) {
    files.push([path, (await lstat(path)).size])
    if (path === '/usr/local/bin/node') continue
    const bytes = await readFile(path)
    if (words.some((word) => bytes.includes(word))) wordIn.push(path)
  }
  return { files, wordIn }
}

async function load() {
  const failed = []
  let count = 0
  for await (const path of filesBelow(join(home, 'dist'))) {
    // What browsers run, and what runs a program.
    if (!path.endsWith('.js') || path.includes('/dist/console/') || /\/(main|bootstrap|shoal)\.js$/.test(path)) continue
    count += 1
    await import(path).catch((err) => failed.push(`${path}: ${err}`))
  }
  const { dependencies } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'))
  const packages = Object.keys(dependencies)
  // Names are looked up from the folder in which a text is run.
  const text = packages
    .map((name) => `await import('${name}').catch((err) => console.log('${name}: ' + err))`)
    .join('\n')
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    cwd: home,
    encoding: 'utf8',
  })
  failed.push(...`${stdout}${stderr}`.split('\n').filter(Boolean))
  return { count, packages: packages.length, failed }
}

async function oneStart() {
  const began = performance.now()
  const agent = spawn(process.execPath, [join(home, 'dist/services/cli/main.js'), 'agent', '--set', 'log=error'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ready = () =>
    fetch('http://127.0.0.1:65003/readyz').then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await ready())) await new Promise((resolve) => setTimeout(resolve, 5))
  const ms = Math.round(performance.now() - began)
  agent.kill('SIGTERM')
  const [code] = await once(agent, 'exit')
  return { ms, code }
}

async function start() {
  return [await oneStart(), await oneStart()]
}

async function processOne() {
  const one = (await readFile('/proc/1/cmdline', 'utf8')).split('\0')
  const writable = []
  for (const path of ['/', '/opt/shoal', '/etc', '/usr/local/bin', '/tmp', '/var/lib/shoal', '/srv/shoal']) {
    if (
      await access(path, constants.W_OK).then(
        () => true,
        () => false,
      )
    )
      writable.push(path)
  }
  return { one, uid: process.getuid(), gid: process.getgid(), writable }
}

process.stdout.write(`${JSON.stringify(await { contents, load, start, process: processOne }[verb]())}\n`)
