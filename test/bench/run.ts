import { existsSync } from 'node:fs'

/** `npm run bench -- <name>`: each bench prints a table and writes test/bench/results/<name>.json. */
const benches: Readonly<Record<string, () => Promise<void>>> = {
  'transfer-warm': async () => (await import('./transfer-warm.ts')).transferWarm(),
  ingest: async () => (await import('./ingest.ts')).ingest(),
  'swarm-processes': async () => (await import('./swarm-processes.ts')).swarmProcesses(process.argv.slice(2)),
  simulation: async () => (await import('./simulation/simulation.ts')).simulation(process.argv.slice(2)),
  small: async () => (await import('./small.ts')).small(),
  announce: async () => (await import('./announce.ts')).announce(process.argv.slice(2)),
  memory: async () => (await import('./memory.ts')).memory(),
  picker: async () => (await import('./picker.ts')).picker(),
  report: async () => (await import('./report.ts')).writeReport(),
  wire: async () => {
    await import('./wire.ts')
  },
}

const [name = ''] = process.argv.splice(2, 1)
const bench = benches[name]
if (bench === undefined) {
  process.stderr.write(`usage: npm run bench -- <${Object.keys(benches).join('|')}>\n`)
  process.exitCode = 2
} else {
  // The benches do not measure disks: use a file system in memory where there is one.
  if (existsSync('/dev/shm')) process.env['TMPDIR'] ??= '/dev/shm'
  await bench()
}
