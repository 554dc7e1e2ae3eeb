import type { Command } from 'commander'
import { adminClient, type JobAnswer, trackerAdmin } from '../../../lib/api/index.ts'
import type { ProcessHost } from '../../../lib/base/index.ts'
import type { HttpClient } from '../../../lib/http/index.ts'
import { quietCommand } from '../quiet-command.ts'
import { callAdmin, targetOptions } from './call.ts'
import { scopeIn, scopeOptions } from './fleet-verbs.ts'
import { assertDone, hostName, hostsOf, looks } from './follow-job.ts'
import { sizeText, table } from './sheet.ts'
import type { TargetFlags } from './target.ts'
import type { VerbOptions } from './verb.ts'

type Flags = TargetFlags & { readonly json?: boolean; readonly nothing?: boolean } & VerbOptions

/** Asks the hosts what they hold, and prints who holds it in part or whole. @throws JOB_FAILED when hosts did not answer */
async function* answers(
  [http, url]: readonly [HttpClient, string],
  target: string,
  flags: Flags,
): AsyncGenerator<string> {
  const tracker = adminClient(http, url, trackerAdmin)
  const scope = scopeIn(flags)
  const all = scope.hosts === undefined && scope.zone === undefined ? { all: true as const } : {}
  let job: JobAnswer = await tracker.order({ body: { kind: 'query', target, ...scope, ...all } })
  for await (const look of looks(tracker, job)) job = look
  const told = await hostsOf(tracker, job.id)
  const shown = told.filter(({ holds }) => holds !== 'nothing' || flags.nothing === true)
  if (flags.json === true) yield JSON.stringify({ job, hosts: shown })
  else {
    yield table(shown, [
      ['HOST', hostName],
      ['ZONE', ({ zone }) => zone ?? '-'],
      ['HOLDS', ({ holds, code, state }) => holds ?? `unknown (${code ?? state})`],
      ['BLOBS', ({ progress: { doneBlobs, blobs } }) => `${doneBlobs} of ${blobs}`],
      ['BYTES', ({ progress: { doneBytes } }) => sizeText(doneBytes)],
    ])
  }
  assertDone(job)
}

/** `shoal admin tracker who-has IMAGE|DIGEST`: a question to all hosts, or some, and its answer. */
export function whoHasCommand(done: (work: Promise<number>) => Promise<void>, host: ProcessHost): Command {
  const command = targetOptions(quietCommand('who-has', host), 'tracker')
    .summary('asks hosts which of them hold an image or a blob, in part or whole')
    .description('tracker: asks hosts which of them hold an image or a blob, in part or whole; default: all hosts')
    .argument('<target>', 'repository:tag, repository@digest, or the digest of a blob')
    .option('--nothing', 'also list hosts that hold nothing of it')
    .addHelpText('after', '\nExample:\n  shoal admin tracker who-has team/app:1.0 --zone cn-beijing-a')
  for (const [name, what] of Object.entries(scopeOptions)) command.option(`--${name} <value>`, what)
  return command.action(async (target: string) => {
    const flags = command.opts<Flags>()
    const init = { command: 'shoal admin', kind: 'tracker', flags } as const
    await done(callAdmin(init, host, async (...place) => answers(place, target, flags)))
  })
}
