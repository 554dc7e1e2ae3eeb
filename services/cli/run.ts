import type { ProcessHost } from '../../lib/base/index.ts'
import { runService, serviceFacts } from '../../lib/service/index.ts'
import { doors, run as herd } from '../herd/index.ts'
import { runAdmin } from './admin/admin.ts'
import { runCa } from './ca/ca.ts'
import { runDoctor } from './doctor/doctor.ts'
import { exitCodes } from './exit-codes.ts'
import { runExplain } from './explain/explain.ts'
import { runGet } from './get/get.ts'
import { quietCommand, runCommand } from './quiet-command.ts'
import { runSetup } from './setup/setup.ts'
import { runToken } from './token/token.ts'

/** A program that `shoal NAME` starts; it parses its own flags. */
interface Program {
  readonly name: string
  readonly what: string
  run(argv: readonly string[], host: ProcessHost): Promise<number>
}

const services: readonly Program[] = Object.values(doors).map((door) => ({
  ...serviceFacts(door.kind),
  run: (argv, host) => runService(door, argv, host),
}))

const tools: readonly Program[] = [
  { name: 'herd', what: 'all services in one process, to try it out', run: herd },
  { name: 'setup', what: 'point a container engine at the agent: shoal setup ENGINE', run: runSetup },
  { name: 'doctor', what: 'prove that pulls of this machine go through the agent', run: runDoctor },
  { name: 'explain', what: 'why a pull was slow: shoal explain IMAGE, DIGEST or PULL', run: runExplain },
  {
    name: 'get',
    what: 'fetch a blob, a file of an image or a URL through the agent',
    run: runGet,
  },
  { name: 'token', what: 'named tokens of a registry: shoal token create|list|revoke', run: runToken },
  { name: 'ca', what: 'make certificates for a small cluster: shoal ca init, shoal ca issue', run: runCa },
  { name: 'admin', what: 'inspect and control a running service: shoal admin SERVICE VERB', run: runAdmin },
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
          exitCode = await program.run(flags, host)
        })
      shoal.addCommand(command)
    }
  }
  return runCommand(shoal, argv, () => exitCode)
}
