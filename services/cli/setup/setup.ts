import type { Command } from 'commander'
import { hasCode, type ProcessHost } from '../../../lib/base/index.ts'
import { exitCodes, failureText } from '../exit-codes.ts'
import { quietCommand, runCommand } from '../quiet-command.ts'
import { containerd } from './containerd.ts'
import { crio, podman } from './containers.ts'
import { docker } from './docker.ts'
import type { Engine } from './engine.ts'
import { MachineFiles } from './machine-files.ts'
import { nydus } from './nydus.ts'
import { setUp, undo } from './perform.ts'
import { type RequestFlags, setupRequest, USUAL_AGENT } from './request.ts'
import { stargz } from './stargz.ts'

/** Every engine that shoal can set up; docs/engines has a page for each. */
export const engines: readonly Engine[] = [containerd, docker, podman, crio, nydus, stargz]

interface Flags extends RequestFlags {
  readonly root: string
  readonly dryRun?: boolean
  readonly undo?: boolean
}

async function perform(engine: Engine, flags: Flags, host: ProcessHost): Promise<number> {
  try {
    const files = new MachineFiles(flags.root)
    const options = { files, dryRun: flags.dryRun === true, say: (text: string) => host.say(text) }
    if (flags.undo === true) await undo(engine, options)
    else await setUp(engine, setupRequest(flags), options)
    return exitCodes.done
  } catch (err) {
    host.complain(`shoal setup: ${failureText(err)}`)
    return hasCode(err, 'CONFIG_INVALID') ? exitCodes.usage : exitCodes.failed
  }
}

const gather = (value: string, before: readonly string[] = []) => [...before, value]

function engineCommand(engine: Engine, host: ProcessHost): Command {
  return quietCommand(engine.name, host)
    .summary(engine.what)
    .description(`Points ${engine.name} at the agent of this machine: ${engine.what}. Restarts nothing.`)
    .option('--agent <url>', 'where the agent serves the registry', USUAL_AGENT)
    .option('--own <host>', "a name of this cluster's registry, as in registry.ownNames; may be repeated", gather)
    .option('--registry <host>', 'another registry; may be repeated', gather)
    .option('--all', 'every registry')
    .option('--fallback <who>', 'who is asked when the agent does not answer: yes (the registry itself), no, or a URL')
    .option('--root <folder>', 'the folder that all files are below, as in an image that you build', '/')
    .option('--dry-run', 'only show what would change')
    .option('--undo', 'take back what setups of this engine have changed')
    .addHelpText('after', `\nExample:\n  shoal setup ${engine.name} --own registry.example.com --dry-run`)
}

/** `shoal setup ENGINE`: writes the files with which an engine pulls through the agent. Returns the exit code. */
export async function runSetup(argv: readonly string[], host: ProcessHost): Promise<number> {
  let exitCode: number = exitCodes.done
  const setup = quietCommand('shoal setup', host).description('Points a container engine at the agent.')
  for (const engine of engines) {
    const command = engineCommand(engine, host)
    command.action(async () => {
      exitCode = await perform(engine, command.opts<Flags>(), host)
    })
    setup.addCommand(command)
  }
  return runCommand(setup, argv, () => exitCode)
}
