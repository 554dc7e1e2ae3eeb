import { lifecycle, type ProcessHost, systemClock } from '../../../lib/base/index.ts'
import { httpClient } from '../../../lib/http/index.ts'
import { tlsOnce } from '../../../lib/identity/index.ts'
import { ask, isThere, whyNot } from '../doctor/answer.ts'
import { exitCodeOf, exitCodes, failureText } from '../exit-codes.ts'
import { quietCommand, runCommand } from '../quiet-command.ts'
import { type Probed, probedBy } from './probed.ts'
import { type ProcessOneInit, processOneWords } from './process-one.ts'

/** What one service says of itself: the exit code, and a line for people. */
interface Finding {
  readonly exitCode: number
  readonly text: string
}

async function findingOf({ name, url, tls }: Probed, path: string): Promise<Finding> {
  const clock = systemClock()
  const http = httpClient({ clock }, { tls: await tlsOnce(clock, tls) })
  const life = lifecycle([http])
  await life.start()
  try {
    const answer = await ask(http, `${url}${path}`)
    if (!isThere(answer)) return { exitCode: exitCodes.unreachable, text: `${name}: ${whyNot(url, answer.code)}` }
    return { exitCode: answer.status === 200 ? exitCodes.done : exitCodes.failed, text: `${name}: ${answer.text}` }
  } finally {
    await life.stop()
  }
}

interface ProbeInit {
  readonly words: readonly string[]
  readonly path: string
}

async function perform({ words, path }: ProbeInit, host: ProcessHost, one: ProcessOneInit): Promise<number> {
  try {
    const probed = await probedBy(words.length > 0 ? words : await processOneWords(one), host.env)
    const findings = await Promise.all(probed.map((each) => findingOf(each, path)))
    const bad = findings.filter(({ exitCode }) => exitCode !== exitCodes.done)
    for (const { text } of findings) if (bad.length === 0) host.say(text)
    for (const { text } of bad) host.complain(`shoal probe: ${text}`)
    return bad[0]?.exitCode ?? exitCodes.done
  } catch (err) {
    host.complain(`shoal probe: ${failureText(err)}`)
    return exitCodeOf(err)
  }
}

const help = `
Examples:
  shoal probe agent --config /etc/shoal/agent.yaml
  shoal probe --live tracker --set ops.bind=127.0.0.1:7003
  shoal probe

The flags behind the service are those that the service was started with. Without a service it is the one that process 1
runs: so the health check of a container needs no words.

Exit codes: 0 ready, 1 not ready, 2 wrong usage, 3 nothing answers.`

const thisProcess = (): ProcessOneInit => ({ commandLine: '/proc/1/cmdline', program: process.argv[1] ?? '' })

/** `shoal probe [SERVICE [flags]]`: whether a service of this machine can serve. Returns the exit code. */
export async function runProbe(
  argv: readonly string[],
  host: ProcessHost,
  one: ProcessOneInit = thisProcess(),
): Promise<number> {
  let exitCode: number = exitCodes.done
  const command = quietCommand('shoal probe', host)
    .description('Asks a service of this machine, at the ops listener of its config, whether it can serve (/readyz).')
    .argument('[service...]', 'its name, then the flags that it was started with; default: what process 1 runs')
    .option('--live', 'ask only whether its process lives (/healthz)')
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText('after', help)
  command.action(async (words: readonly string[]) => {
    const path = command.opts<{ readonly live?: boolean }>().live === true ? '/healthz' : '/readyz'
    exitCode = await perform({ words, path }, host, one)
  })
  return runCommand(command, argv, () => exitCode)
}
