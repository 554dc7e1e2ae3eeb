import { existsSync } from 'node:fs'

type Bench = (args: readonly string[]) => Promise<void>

/** `npm run bench -- <name>`: each bench prints a table and writes test/bench/results/<name>.json. */
const benches: Readonly<Record<string, Bench>> = {
  'transfer-warm': async () => (await import('./transfer-warm.ts')).transferWarm(),
  ingest: async () => (await import('./ingest.ts')).ingest(),
  'swarm-processes': async (args) => (await import('./swarm-processes.ts')).swarmProcesses(args),
  swarm: async (args) => (await import('./swarm.ts')).swarm(args),
  loop: async (args) => (await import('./loop.ts')).loop(args),
  small: async (args) => (await import('./small.ts')).small(args),
  memory: async (args) => (await import('./memory.ts')).memory(args),
  wire: async (args) => (await import('./wire.ts')).wire(args),
  report: async () => (await import('./report.ts')).writeReport(),
}

const [name = '', ...args] = process.argv.slice(2)
const bench = benches[name]
if (bench === undefined) {
  process.stderr.write(`usage: npm run bench -- <${Object.keys(benches).join('|')}>\n`)
  process.exitCode = 2
} else {
  // The benches do not measure disks: use a file system in memory where there is one.
  if (existsSync('/dev/shm')) process.env['TMPDIR'] ??= '/dev/shm'
  await bench(args)
}
