import type { Command } from 'commander'
import { abortController, hasCode, type ProcessHost, systemClock } from '../../../lib/base/index.ts'
import { exitCodeOf, exitCodes, failureText } from '../exit-codes.ts'
import { quietCommand, runCommand } from '../quiet-command.ts'
import { USUAL_AGENT } from '../setup/request.ts'
import { type Asked, askedFor, type GetFlags } from './asked-for.ts'
import { fetchContent } from './fetch-content.ts'

/** What says that nobody has what is asked for. */
const NOT_THERE = ['BLOB_UNKNOWN', 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'URL_UNKNOWN', 'FILE_UNKNOWN'] as const

async function fetch(asked: Asked, host: ProcessHost, signal: AbortSignal): Promise<void> {
  const components = { clock: systemClock(), host }
  const { inside, name } = asked
  if (inside === undefined || 'url' in name) return fetchContent(components, asked, signal)
  const { fetchFile } = await import('./image/index.ts')
  return fetchFile(components, { ...asked, inside, name }, signal)
}

/** Fetches until the end or a signal. Returns the exit code. */
async function perform(what: string, flags: GetFlags, host: ProcessHost): Promise<number> {
  const stop = abortController()
  const forget = host.onTerminate(() => stop.abort())
  let asked: Asked | undefined
  try {
    asked = await askedFor(what, flags, host.env)
    await fetch(asked, host, stop.signal)
    return exitCodes.done
  } catch (err) {
    if (stop.signal.aborted) {
      host.complain('shoal get: stopped')
      return exitCodes.interrupted
    }
    host.complain(`shoal get: ${failureText(err)}${asked === undefined ? '' : ` (${asked.agent})`}`)
    return hasCode(err, ...NOT_THERE) ? exitCodes.notFound : exitCodeOf(err)
  } finally {
    forget()
  }
}

const help = `
Examples:
  shoal get registry.example.com/team/app@sha256:${'9f'.repeat(32)} --output layer.tar.gz
  shoal get team/model@sha256:${'9f'.repeat(32)} --range 0-1048575 | head -c 100
  shoal get team/app:1.0
  shoal get team/app:1.0 --path /opt/model/weights.bin --output weights.bin
  shoal get team/app:1.0 --platform linux/arm64 --path /opt/model --list
  shoal get https://models.example.com/public/model --output model

With --output the file has its name only when all of it is there and right. What an earlier run of the same content
has left, also one that was killed, is gone on with. Of a URL that the cluster brings for the first time the digest is
known when all of it is there: until then, without --digest, a further run begins anew, and says so. Without --output
the bytes go to standard output.

A file of an image (--path) is looked for from its uppermost layer on, and no layer is read below the one that decides.
Of a layer with a table of contents (eStargz, zstd:chunked) only that table and the file are read.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no agent there, 4 denied, 5 nobody has it, 6 not a file, 7 too large,
130 interrupted.`

const getCommand = (host: ProcessHost): Command =>
  quietCommand('shoal get', host)
    .description(
      'Fetches a blob, a manifest, a file of an image, or what lies under a URL that a rule names, through the agent of this node.',
    )
    .argument('<what>', 'NAME@DIGEST for a blob or a manifest, NAME:TAG for the manifest of a tag, or a URL')
    .option('-o, --output <file>', 'where the bytes go; default: standard output')
    .option('--range <range>', 'only these bytes: 0-99, 100- or -5')
    .option('--digest <digest>', 'fail unless the content is that of this digest')
    .option('--path <path>', 'a file of the image, instead of its manifest; links are followed within the image')
    .option('--platform <os/arch>', 'of an image for several, as docker spells it; default: linux on this machine')
    .option('--list', 'type, bytes and name of what lies at --path (default: /)')
    .option('--agent <url>', `where the agent serves the registry; default: as in the config, else ${USUAL_AGENT}`)
    .option('--config <file>', 'the config of the agent, for its addresses and the secret of its admin listener')
    .option('--secrets <file>', 'the secrets of the agent, as it takes them')
    .option('--url <url>', 'of the admin listener of the agent, which is asked from where the bytes come')
    .option('--secret-file <file>', 'a file that holds secrets.admin or secrets.adminRead')
    .addHelpText('after', help)

/** `shoal get WHAT`. Returns the exit code. */
export async function runGet(argv: readonly string[], host: ProcessHost): Promise<number> {
  let exitCode: number = exitCodes.done
  const command = getCommand(host)
  command.action(async (what: string) => {
    exitCode = await perform(what, command.opts<GetFlags>(), host)
  })
  return runCommand(command, argv, () => exitCode)
}
