import { Command, CommanderError } from 'commander'
import type { ProcessHost } from '../../lib/base/index.ts'
import { runService, serviceFacts } from '../../lib/service/index.ts'
import { doors, run as herd } from '../herd/index.ts'
import { exitCodes } from './exit-codes.ts'

/** Something that `shoal NAME` starts; it reads its own flags. */
interface Program {
  readonly name: string
  readonly what: string
  run(argv: readonly string[], host: ProcessHost): Promise<number>
}

const services: readonly Program[] = Object.values(doors).map((door) => ({
  ...serviceFacts(door.kind),
  run: (argv, host) => runService(door, argv, host),
}))

const tools: readonly Program[] = [{ name: 'herd', what: 'all services in one process, to try it out', run: herd }]

/** The `shoal` command: a service or a tool by its name, and what is left of the line for it. Gives the exit code. */
export async function run(argv: readonly string[], host: ProcessHost): Promise<number> {
  let exitCode = 0
  const shoal = new Command('shoal')
    .description('Peer-to-peer distribution of container images.')
    .helpCommand(false)
    .enablePositionalOptions()
    .configureHelp({ helpWidth: 100 })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => host.say(text.trimEnd()),
      writeErr: (text) => host.complain(text.trimEnd()),
    })
  const groups = { 'Services:': services, 'Tools:': tools }
  for (const [heading, programs] of Object.entries(groups)) {
    for (const program of programs) {
      shoal
        .command(program.name)
        .helpGroup(heading)
        .summary(program.what)
        .argument('[flags...]')
        .helpOption(false)
        .allowUnknownOption()
        .passThroughOptions()
        .action(async (flags: readonly string[]) => {
          exitCode = await program.run(flags, host)
        })
    }
  }
  try {
    await shoal.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (err) {
    if (!(err instanceof CommanderError)) throw err
    return err.exitCode === 0 ? 0 : exitCodes.usage
  }
}
