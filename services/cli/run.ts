import type { ProcessHost } from '../../lib/base/index.ts'
import { runService, type ServiceKind, serviceFacts, serviceKinds } from '../../lib/service/index.ts'
import { exitCodes } from './exit-codes.ts'
import { quietCommand, runCommand } from './quiet-command.ts'

type Run = (argv: readonly string[], host: ProcessHost) => Promise<number>

/** A program that `shoal NAME` starts; it parses its own flags. It is loaded when it is wanted: a process runs one. */
interface Program {
  readonly name: string
  readonly what: string
  load(): Promise<Run>
}

/** Runs a service, of which no other process needs the code. */
const serviceRuns: Readonly<Record<ServiceKind, () => Promise<Run>>> = {
  buildIndex: async () => {
    const { buildIndexDoor } = await import('../build-index/index.ts')
    return (argv, host) => runService(buildIndexDoor, argv, host)
  },
  tracker: async () => {
    const { trackerDoor } = await import('../tracker/index.ts')
    return (argv, host) => runService(trackerDoor, argv, host)
  },
  origin: async () => {
    const { originDoor } = await import('../origin/index.ts')
    return (argv, host) => runService(originDoor, argv, host)
  },
  agent: async () => {
    const { agentDoor } = await import('../agent/index.ts')
    return (argv, host) => runService(agentDoor, argv, host)
  },
  proxy: async () => {
    const { proxyDoor } = await import('../proxy/index.ts')
    return (argv, host) => runService(proxyDoor, argv, host)
  },
  controller: async () => (await import('./controller/controller.ts')).runController,
  manager: async () => (await import('./manager/manager.ts')).runManager,
}

const services: readonly Program[] = serviceKinds.map((kind) => ({ ...serviceFacts(kind), load: serviceRuns[kind] }))

const tools: readonly Program[] = [
  {
    name: 'herd',
    what: 'all services in one process, to try it out',
    load: async () => (await import('../herd/index.ts')).run,
  },
  {
    name: 'setup',
    what: 'point a container engine at the agent: shoal setup ENGINE',
    load: async () => (await import('./setup/setup.ts')).runSetup,
  },
  {
    name: 'doctor',
    what: 'prove that pulls of this machine go through the agent',
    load: async () => (await import('./doctor/doctor.ts')).runDoctor,
  },
  {
    name: 'explain',
    what: 'why a pull was slow: shoal explain IMAGE, DIGEST or PULL',
    load: async () => (await import('./explain/explain.ts')).runExplain,
  },
  {
    name: 'get',
    what: 'fetch a blob, a file of an image or a URL through the agent',
    load: async () => (await import('./get/get.ts')).runGet,
  },
  {
    name: 'token',
    what: 'named tokens of a registry: shoal token create|list|revoke',
    load: async () => (await import('./token/token.ts')).runToken,
  },
  {
    name: 'ca',
    what: 'make certificates for a small cluster: shoal ca init, shoal ca issue',
    load: async () => (await import('./ca/ca.ts')).runCa,
  },
  {
    name: 'probe',
    what: 'whether a service of this machine can serve: shoal probe SERVICE',
    load: async () => (await import('./probe/probe.ts')).runProbe,
  },
  {
    name: 'admin',
    what: 'inspect and control a running service: shoal admin SERVICE VERB',
    load: async () => (await import('./admin/admin.ts')).runAdmin,
  },
]

/** The `shoal` command: runs the service or tool of that name with the other arguments. Returns the exit code. */
export function run(argv: readonly string[], host: ProcessHost): Promise<number> {
  let exitCode: number = exitCodes.done
  const shoal = quietCommand('shoal', host)
    .description('Peer-to-peer distribution of container images.')
    .enablePositionalOptions()
  const groups = { 'Services:': services, 'Tools:': tools }
  for (const [heading, programs] of Object.entries(groups)) {
    for (const program of programs) {
      const command = quietCommand(program.name, host)
        .helpGroup(heading)
        .summary(program.what)
        .argument('[flags...]')
        .helpOption(false)
        .allowUnknownOption()
        .passThroughOptions()
        .action(async (flags: readonly string[]) => {
          const runProgram = await program.load()
          exitCode = await runProgram(flags, host)
        })
      shoal.addCommand(command)
    }
  }
  return runCommand(shoal, argv, () => exitCode)
}
