import type { Command } from 'commander'
import { type ProcessHost, systemClock } from '../../../lib/base/index.ts'
import { type HttpClient, httpClient } from '../../../lib/http/index.ts'
import { type ServiceKind, serviceFacts } from '../../../lib/service/index.ts'
import { exitCodeOf, exitCodes, failureText } from '../exit-codes.ts'
import { harmless } from './harmless.ts'
import { SECRET_VARIABLE, type TargetFlags, targetOf } from './target.ts'

export interface CallInit {
  /** The command as users type it, for the line on stderr. */
  readonly command: string
  readonly kind: ServiceKind
  readonly flags: TargetFlags
}

/** Asks the admin listener of a service and prints the answer of `ask`, which may come in parts, or why there is none; returns the exit code. */
export async function callAdmin(
  { command, kind, flags }: CallInit,
  host: ProcessHost,
  ask: (http: HttpClient, url: string) => Promise<string | AsyncIterable<string>>,
): Promise<number> {
  let url = ''
  try {
    const target = await targetOf(kind, flags, host.env)
    url = target.url
    const http = httpClient({ clock: systemClock() }, { token: target.secret, tls: target.tls })
    await http.start()
    try {
      const answer = await ask(http, url)
      if (typeof answer === 'string') host.say(harmless(answer))
      else for await (const part of answer) host.say(harmless(part))
    } finally {
      await http.stop()
    }
    return exitCodes.done
  } catch (err) {
    host.complain(harmless(`${command}: ${failureText(err)}${url === '' ? '' : ` (${url})`}`))
    return exitCodeOf(err)
  }
}

/** The options that say where the service is, and how to print its answer. */
export function targetOptions(command: Command, kind: ServiceKind): Command {
  const { listeners } = serviceFacts(kind)
  return command
    .option('--json', 'print the answer of the service as one line of JSON')
    .option(
      '--url <url>',
      `of the admin listener; default: as in the config, else port ${listeners['admin']?.port ?? 0}`,
    )
    .option('--secret-file <file>', `a file that holds secrets.admin; without it, the variable ${SECRET_VARIABLE}`)
    .option('--config <file>', 'the config of the service, for the address and the secret')
    .option('--secrets <file>', 'the secrets of the service, as it takes them')
}
