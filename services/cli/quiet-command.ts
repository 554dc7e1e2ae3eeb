import { Command, CommanderError } from 'commander'
import type { ProcessHost } from '../../lib/base/index.ts'
import { exitCodes } from './exit-codes.ts'

const HELP_WIDTH = 100

/** A command that writes through the host, and throws where commander would exit the process. */
export const quietCommand = (name: string, host: ProcessHost): Command =>
  new Command(name)
    .configureHelp({ helpWidth: HELP_WIDTH })
    .configureOutput({
      writeOut: (text) => host.say(text.trimEnd()),
      writeErr: (text) => host.complain(text.trimEnd()),
    })
    .helpCommand(false)
    .exitOverride()

/** Parses a command line and runs it; returns `outcome()`, or the exit code of a wrong command line. */
export async function runCommand(command: Command, argv: readonly string[], outcome: () => number): Promise<number> {
  try {
    await command.parseAsync(argv, { from: 'user' })
    return outcome()
  } catch (err) {
    if (!(err instanceof CommanderError)) throw err
    return err.exitCode === 0 ? exitCodes.done : exitCodes.usage
  }
}
