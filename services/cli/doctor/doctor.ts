import type { Command } from 'commander'
import { hasCode, lifecycle, type ProcessHost, systemClock } from '../../../lib/base/index.ts'
import { loadConfig } from '../../../lib/config/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { listenerConfig } from '../../../lib/service/index.ts'
import { type AgentConfig, agentDoor } from '../../agent/index.ts'
import { targetOptions } from '../admin/call.ts'
import { type TargetFlags, targetOf } from '../admin/target.ts'
import { exitCodes, failureText } from '../exit-codes.ts'
import { addressOf } from '../own-address.ts'
import { quietCommand, runCommand } from '../quiet-command.ts'
import { MachineFiles } from '../setup/machine-files.ts'
import { listenerUrl, plainUrl } from '../setup/request.ts'
import { commandRunner } from './command.ts'
import { containerdProbe } from './containerd-probe.ts'
import { crioProbe } from './crio-probe.ts'
import { dockerProbe } from './docker-probe.ts'
import type { EngineProbe, MakeProbe, ProbeInit } from './engine-probe.ts'
import type { Finding } from './finding.ts'
import { podmanProbe } from './podman-probe.ts'
import { type Step, steps } from './steps.ts'
import { Visit, type VisitInit } from './visit.ts'

const probes: Readonly<Record<string, MakeProbe>> = {
  containerd: containerdProbe,
  docker: dockerProbe,
  podman: podmanProbe,
  crio: crioProbe,
}

interface Flags extends TargetFlags {
  readonly json?: boolean
  readonly agent?: string
  readonly engine?: string
  readonly image?: string
  readonly root: string
}

/** The engine of that name, or the first that answers. */
async function engineFor(name: string | undefined, init: ProbeInit): Promise<EngineProbe | undefined> {
  if (name !== undefined) return probes[name]?.(init)
  for (const make of Object.values(probes)) {
    const probe = make(init)
    if ((await probe.running()) === true) return probe
  }
  return undefined
}

/** Everything that the steps need, from the flags and the config of the agent. @throws CONFIG_INVALID */
async function visitInit(flags: Flags, host: ProcessHost): Promise<VisitInit> {
  const config = await loadConfig(agentDoor.schema, { file: flags.config, secretsFile: flags.secrets, env: host.env })
  const admin = await targetOf('agent', flags, host.env)
  const at = (key: string) => addressOf(config, listenerConfig(config, key))
  const registry = flags.agent === undefined ? at('registry.listener') : plainUrl(listenerUrl(flags.agent))
  const clock = systemClock()
  const run = commandRunner(clock, host.env)
  const files = new MachineFiles(flags.root)
  return {
    ...{ clock, run, files, config, image: flags.image },
    http: httpClient({ clock }, { tls: admin.tls }),
    adminHttp: httpClient({ clock }, { token: admin.secret, tls: admin.tls }),
    tls: admin.tls,
    isConfigGiven: flags.config !== undefined,
    urls: { registry, ops: at('ops'), admin: admin.url },
    further: furtherOf(config),
    engine: await engineFor(flags.engine, { run, files, agent: registry }),
  }
}

/** A port that is left to chance is known to nobody. */
const furtherOf = (config: AgentConfig): VisitInit['further'] =>
  config.registry.listeners
    .filter(({ bind }) => bind.port !== 0)
    .map((listener) => ({ name: listener.name, url: addressOf(config, listener) }))

/** A step that breaks has found something too. */
async function look(step: Step, visit: Visit): Promise<readonly Finding[]> {
  try {
    return await step.look(visit)
  } catch (err) {
    return [{ outcome: 'fail', text: failureText(err), advice: 'see docs/doctor.md' }]
  }
}

const shown = (id: string, { outcome, text, advice }: Finding): string => {
  const line = `${(outcome === 'fail' ? 'FAIL' : outcome).padEnd(8)}${id.padEnd(16)}${text}`
  return advice === undefined ? line : `${line}\n${' '.repeat(24)}-> ${advice}`
}

async function examine(flags: Flags, host: ProcessHost): Promise<number> {
  const init = await visitInit(flags, host)
  const clients = lifecycle([init.http, init.adminHttp])
  await clients.start()
  try {
    const visit = new Visit(init)
    const findings: (Finding & { readonly id: string })[] = []
    for (const step of steps) {
      for (const finding of await look(step, visit)) {
        findings.push({ id: step.id, ...finding })
        if (flags.json !== true) host.say(shown(step.id, finding))
      }
    }
    const failed = findings.filter(({ outcome }) => outcome === 'fail').length
    if (flags.json === true) host.say(JSON.stringify({ failed, findings }))
    else host.say(failed === 0 ? 'nothing failed' : `${failed} failed`)
    return failed === 0 ? exitCodes.done : exitCodes.failed
  } finally {
    await clients.stop()
  }
}

async function perform(flags: Flags, host: ProcessHost): Promise<number> {
  try {
    if (flags.engine === undefined || Object.hasOwn(probes, flags.engine)) return await examine(flags, host)
    host.complain(`shoal doctor: CONFIG_INVALID: --engine is one of ${Object.keys(probes).join(', ')}`)
    return exitCodes.usage
  } catch (err) {
    host.complain(`shoal doctor: ${failureText(err)}`)
    return hasCode(err, 'CONFIG_INVALID') ? exitCodes.usage : exitCodes.failed
  }
}

const doctorCommand = (host: ProcessHost): Command =>
  targetOptions(quietCommand('shoal doctor', host), 'agent')
    .description('Proves step by step that a pull on this machine goes through the agent, and says what to do if not.')
    .option('--agent <url>', 'where the agent serves the registry; default: as in the config')
    .option('--engine <name>', `${Object.keys(probes).join(', ')}; default: the first that answers`)
    .option('--image <name>', 'the image to pull, as the engine takes it; default: a small one of the catalog')
    .option('--root <folder>', 'the folder that the files of the engine are below', '/')
    .addHelpText('after', '\nExample:\n  shoal doctor --engine containerd --image registry.example.com/team/app:1.0')

/** `shoal doctor`. Returns the exit code: 0 only when nothing failed. */
export async function runDoctor(argv: readonly string[], host: ProcessHost): Promise<number> {
  let exitCode: number = exitCodes.done
  const command = doctorCommand(host)
  command.action(async () => {
    exitCode = await perform(command.opts<Flags>(), host)
  })
  return runCommand(command, argv, () => exitCode)
}
