/**
 * Runs inside the image, where there is no shell, and prints one line of JSON for a test:
 *
 *     contents WORD...   every file with its bytes, and those that have one of the words in them
 *     load               imports every compiled file, and so every package; which of them cannot be
 *     start              milliseconds from the start of an agent until it is ready, twice
 *     process            what process 1 runs, the user, and where it may write
 *     console LINK       opens the console by the link for the first admin, signs in as a browser does, and tells what is there
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

async function openConsole() {
  const { origin, hash } = new URL(words[0])
  const page = await fetch(words[0])
  const json = { 'content-type': 'application/json', origin }
  const body = JSON.stringify({ link: hash.slice(1), name: 'ada', password: 'correct horse battery' })
  const signedIn = await fetch(`${origin}/api/v1/links/open`, { method: 'POST', headers: json, body })
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
  const read = async (path) => (await fetch(`${origin}/api/v1/${path}`, { headers: { cookie } })).json()
  const look = async () => {
    const { clusters = [] } = await read('clusters')
    const { members = [] } = await read('members')
    return {
      clusters: clusters.map(({ name }) => name),
      members: members.map(({ member, state }) => `${member} ${state}`).sort(),
    }
  }
  // Services join within seconds.
  let seen = await look()
  for (let left = 120; left > 0 && seen.members.filter((each) => each.endsWith(' ok')).length < 5; left -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 250))
    seen = await look()
  }
  return {
    page: [page.status, (await page.text()).includes('<script type="module"')],
    signedIn: signedIn.status,
    ...seen,
  }
}

process.stdout.write(
  `${JSON.stringify(await { contents, load, start, process: processOne, console: openConsole }[verb]())}\n`,
)
