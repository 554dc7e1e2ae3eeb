type Bench = (args: readonly string[]) => Promise<void>

/** `npm run bench -- <name>`: each bench prints a table and writes test/bench/results/<name>.json. */
export const benches: Readonly<Record<string, Bench>> = {
  'transfer-warm': async () => (await import('./transfer-warm.ts')).transferWarm(),
  'transfer-cold': async (args) => (await import('./transfer-cold.ts')).transferCold(args),
  ranges: async (args) => (await import('./ranges.ts')).ranges(args),
  pods: async (args) => (await import('./pods.ts')).pods(args),
  ingest: async () => (await import('./ingest.ts')).ingest(),
  'swarm-processes': async (args) => (await import('./swarm-processes.ts')).swarmProcesses(args),
  swarm: async (args) => (await import('./swarm.ts')).swarm(args),
  loop: async (args) => (await import('./loop.ts')).loop(args),
  small: async (args) => (await import('./small.ts')).small(args),
  memory: async (args) => (await import('./memory.ts')).memory(args),
  wire: async (args) => (await import('./wire.ts')).wire(args),
  tls: async (args) => (await import('./tls.ts')).tls(args),
  traces: async (args) => (await import('./traces.ts')).traces(args),
  announce: async (args) => (await import('./announce.ts')).announce(args),
  'tracker-lists': async (args) => (await import('./tracker-lists.ts')).trackerLists(args),
  steering: async (args) => (await import('./steering.ts')).steering(args),
  'manager-lists': async (args) => (await import('./manager-lists.ts')).managerLists(args),
  push: async (args) => (await import('./push-cost.ts')).pushCost(args),
  'push-layers': async (args) => (await import('./push-layers.ts')).pushLayers(args),
  picker: async () => (await import('./picker.ts')).picker(),
  simulation: async (args) => (await import('./simulation/simulation.ts')).simulation(args),
  report: async () => (await import('./report.ts')).writeReport(),
}

export const benchNames: readonly string[] = Object.keys(benches)
