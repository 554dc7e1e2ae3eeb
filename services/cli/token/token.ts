import { appError, codeOf, hasCode, type ProcessHost, systemClock } from '../../../lib/base/index.ts'
import { parseDuration } from '../../../lib/config/index.ts'
import { type NamedToken, newToken, parseGrant } from '../../../lib/identity/index.ts'
import { exitCodes } from '../exit-codes.ts'
import { quietCommand, runCommand } from '../quiet-command.ts'
import { changeTokens, readTokens } from './token-file.ts'

interface FileFlags {
  readonly file: string
}
type CreateFlags = FileFlags & { readonly allow: readonly string[]; readonly expires: string }

const invalid = (message: string) => appError('CONFIG_INVALID', { message })

/** Milliseconds since the epoch; undefined for a token that does not end. @throws CONFIG_INVALID */
function endOf(expires: string): number | undefined {
  return expires === 'never' ? undefined : systemClock().now() + parseDuration(expires)
}

async function create(host: ProcessHost, name: string, { file, allow, expires }: CreateFlags): Promise<void> {
  const { token, kept } = newToken({ name, expiresMs: endOf(expires), grants: allow.map(parseGrant) })
  await changeTokens(file, (tokens) => {
    if (tokens.some((each) => each.name === name)) throw invalid(`there is a token ${name}; revoke it first`)
    return [...tokens, kept]
  })
  host.say(token)
  host.complain('this is the only time that the token is shown; it is the password of any user name')
}

async function revoke(host: ProcessHost, name: string, { file }: FileFlags): Promise<void> {
  await changeTokens(file, (tokens) => {
    const rest = tokens.filter((each) => each.name !== name)
    if (rest.length === tokens.length) throw invalid(`there is no token ${name}; list the tokens`)
    return rest
  })
  host.say(`revoked ${name}`)
}

function line({ name, expiresMs, grants }: NamedToken, nowMs: number): string {
  const allowed = grants.map(({ repositories, actions }) => `${repositories.join(' ')}=${actions.join(',')}`)
  const end = expiresMs === undefined ? 'never' : new Date(expiresMs).toISOString()
  return [name, expiresMs !== undefined && expiresMs <= nowMs ? `${end} (over)` : end, ...allowed].join('  ')
}

async function list(host: ProcessHost, { file }: FileFlags): Promise<void> {
  const nowMs = systemClock().now()
  for (const token of await readTokens(file)) host.say(line(token, nowMs))
}

/** `shoal token`: the named tokens of a registry, in a file that its proxies watch. Returns the exit code. */
export async function runToken(argv: readonly string[], host: ProcessHost): Promise<number> {
  let exitCode: number = exitCodes.done
  const done = async (work: Promise<void>) => {
    try {
      await work
    } catch (err) {
      host.complain(`shoal token: ${codeOf(err) ?? 'UNKNOWN'}: ${(err as Error).message}`)
      exitCode = hasCode(err, 'CONFIG_INVALID') ? exitCodes.usage : exitCodes.failed
    }
  }
  const verb = (name: string, what: string) =>
    quietCommand(name, host).summary(what).requiredOption('--file <path>', 'the file that registry.access.tokens names')
  const token = quietCommand('token', host)
    .description(
      'Named tokens of a registry. The file has only hashes of them, and proxies read it again when it changes.',
    )
    .addCommand(
      verb('create', 'makes a token and prints it, once')
        .argument('<name>')
        .requiredOption('--allow <grant...>', 'a pattern of repositories and actions, like team/*=pull,push')
        .option('--expires <duration>', 'such as 90d, or never', '90d')
        .action((name: string, flags: CreateFlags) => done(create(host, name, flags))),
    )
    .addCommand(verb('list', 'shows them').action((flags: FileFlags) => done(list(host, flags))))
    .addCommand(
      verb('revoke', 'ends one')
        .argument('<name>')
        .action((name: string, flags: FileFlags) => done(revoke(host, name, flags))),
    )
  return runCommand(token, argv, () => exitCode)
}
