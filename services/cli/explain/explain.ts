import { adminClient, agentAdmin, type PullRow, type TracedPull } from '../../../lib/api/index.ts'
import { appError, hasCode, type ProcessHost, systemClock } from '../../../lib/base/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import { callAdmin, targetOptions } from '../admin/call.ts'
import type { TargetFlags } from '../admin/target.ts'
import { exitCodes } from '../exit-codes.ts'
import { quietCommand, runCommand } from '../quiet-command.ts'
import { type Asked, askedOf } from './asked.ts'
import { imageText } from './image-words.ts'
import { pullsOfImage } from './pulls-of-image.ts'
import { explainText } from './words.ts'

type Flags = TargetFlags & { readonly json?: boolean; readonly minutes?: string }

const DEFAULT_MINUTES = 15
/** Pulls that are asked for in full. */
const MAX_PULLS = 200

/** @throws CONFIG_INVALID */
function minutesOf(text: string | undefined): number {
  const minutes = Number(text ?? DEFAULT_MINUTES)
  if (minutes > 0) return minutes
  throw appError('CONFIG_INVALID', { message: '--minutes must be a number above 0' })
}

class Questions {
  readonly #agent: ReturnType<typeof adminClient<typeof agentAdmin>>
  readonly #since: string

  constructor(http: HttpClient, url: string, minutes: number) {
    this.#agent = adminClient(http, url, agentAdmin)
    this.#since = String(Math.max(0, Math.floor(systemClock().now() - minutes * 60_000)))
  }

  one(id: string): Promise<TracedPull> {
    return this.#agent.pull({ id })
  }

  /** Newest first. */
  async rows(filter: { readonly digest?: string; readonly repository?: string }): Promise<readonly PullRow[]> {
    const { pulls } = await this.#agent.pulls({ ...filter, since: this.#since, n: String(MAX_PULLS) })
    return pulls
  }

  /** What is forgotten meanwhile is left out. */
  async all(rows: readonly PullRow[]): Promise<readonly TracedPull[]> {
    const found: TracedPull[] = []
    for (const { id } of rows) {
      const pull = await this.one(id).catch((err: unknown) => {
        if (!hasCode(err, 'PULL_UNKNOWN')) throw err
        return undefined
      })
      if (pull !== undefined) found.push(pull)
    }
    return found
  }
}

/** The pulls that the question is about, newest first. @throws PULL_UNKNOWN */
async function pullsOf(questions: Questions, asked: Asked): Promise<readonly TracedPull[]> {
  if (asked.kind === 'pull') return [await questions.one(asked.id)]
  const filters =
    asked.kind === 'digest' ? [{ digest: asked.digest }] : asked.repositories.map((it) => ({ repository: it }))
  for (const filter of filters) {
    const pulls = await questions.all(await questions.rows(filter))
    const own = asked.kind === 'image' ? pullsOfImage(pulls, asked.reference) : pulls
    if (own.length > 0) return own
  }
  throw appError('PULL_UNKNOWN', { message: 'the agent remembers no pull of that in the last minutes; see --minutes' })
}

function perform(text: string, flags: Flags, host: ProcessHost): Promise<number> {
  return callAdmin({ command: 'shoal explain', kind: 'agent', flags }, host, async (http, url) => {
    const asked = askedOf(text)
    const pulls = await pullsOf(new Questions(http, url, minutesOf(flags.minutes)), asked)
    if (flags.json === true) return JSON.stringify({ asked: text, pulls })
    return asked.kind === 'image' ? imageText(text, pulls, systemClock().now()) : pulls.map(explainText).join('\n\n')
  })
}

const help = `
Examples:
  shoal explain registry.example.com/team/app:1.0
  shoal explain sha256:${'9f'.repeat(32)}
  shoal explain 3f2a9c-17

The agent keeps its last pulls in memory only. shoal admin agent pulls lists them.`

/** `shoal explain WHAT`: why a pull of this node was slow. Returns the exit code. */
export async function runExplain(argv: readonly string[], host: ProcessHost): Promise<number> {
  let exitCode: number = exitCodes.done
  const command = targetOptions(quietCommand('shoal explain', host), 'agent')
    .description('Says why a pull of an agent was slow, in plain words with numbers.')
    .argument('<what>', 'an image as it was pulled, a digest, or the id of a pull')
    .option('--minutes <minutes>', `how far back to look; default ${DEFAULT_MINUTES}`)
    .addHelpText('after', help)
  command.action(async (what: string) => {
    exitCode = await perform(what, command.opts<Flags>(), host)
  })
  return runCommand(command, argv, () => exitCode)
}
