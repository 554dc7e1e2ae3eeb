import { type AdminCall, type AdminCalls, adminClient, trackerAdmin } from '../../../lib/api/index.ts'
import { errorTable, type ProcessHost, systemClock } from '../../../lib/base/index.ts'
import { serviceFacts } from '../../../lib/service/index.ts'
import { exitCodes } from '../exit-codes.ts'
import { quietCommand, runCommand } from '../quiet-command.ts'
import { type AdminApi, adminApis } from './apis.ts'
import { callAdmin, targetOptions } from './call.ts'
import type { TargetFlags } from './target.ts'
import { type Verb, verbName } from './verb.ts'
import { whoHasCommand } from './who-has.ts'

type Flags = TargetFlags & { readonly json?: boolean } & Readonly<Record<string, string | undefined | boolean>>

interface Entry {
  readonly api: AdminApi
  /** Name of the call in the admin API. */
  readonly name: string
  readonly call: AdminCall
  readonly verb: Verb
}

/** Sends the call and prints its answer; returns the exit code. */
function perform({ api, name, call, verb }: Entry, input: Flags, host: ProcessHost): Promise<number> {
  const printed = (told: unknown): string => {
    if (input.json === true) return JSON.stringify(told ?? {})
    return told === undefined || verb.show === undefined ? 'done' : verb.show(told as never, systemClock().now())
  }
  return callAdmin({ command: 'shoal admin', kind: api.kind, flags: input }, host, async (http, url) => {
    const asked = Object.fromEntries(Object.entries(input).map(([key, value]) => [key, value?.toString() ?? '']))
    const body = verb.body === undefined ? {} : { body: await verb.body(asked) }
    const answer = await adminClient<AdminCalls>(http, url, api.calls)[name]?.({ ...asked, ...body })
    if (input['wait'] === true && verb.wait !== undefined)
      return verb.wait(adminClient(http, url, trackerAdmin), answer as never)
    return call.stream === true ? each(answer as AsyncIterable<unknown>, printed) : printed(answer)
  })
}

async function* each(events: AsyncIterable<unknown>, printed: (event: unknown) => string): AsyncIterable<string> {
  for await (const event of events) yield printed(event)
}

const paramsOf = ({ path }: AdminCall) => [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)

function helpOf(service: string, { call, verb }: Entry): string {
  const codes = call.codes.map((code) => `  ${code}: ${errorTable[code].message}`)
  return [
    ...(verb.note === undefined ? [] : ['', verb.note]),
    ...['', 'Example:', `  shoal admin ${service} ${verb.example}`],
    ...(codes.length === 0 ? [] : ['', 'Possible errors:', ...codes]),
  ].join('\n')
}

function verbCommand(entry: Entry, done: (work: Promise<number>) => Promise<void>, host: ProcessHost) {
  const { call, api, name } = entry
  const service = serviceFacts(api.kind)
  const command = targetOptions(quietCommand(verbName(name), host), api.kind)
    .summary(call.summary)
    .description(`${service.name}: ${call.summary}`)
    .addHelpText('after', helpOf(service.name, entry))
  for (const param of paramsOf(call)) command.argument(`<${param}>`)
  for (const [asked, what] of Object.entries({ ...call.query, ...entry.verb.options }))
    command.option(`--${asked} <value>`, what)
  for (const [flag, what] of Object.entries(entry.verb.flags ?? {})) command.option(`--${flag}`, what)
  return command.action(async (...given: readonly unknown[]) => {
    const words = paramsOf(call).map((param, i) => [param, given[i]] as const)
    await done(perform(entry, { ...command.opts<Flags>(), ...Object.fromEntries(words) } as Flags, host))
  })
}

/** `shoal admin SERVICE VERB`, for an admin and for scripts; returns the exit code. */
export async function runAdmin(argv: readonly string[], host: ProcessHost): Promise<number> {
  let exitCode: number = exitCodes.done
  const done = async (work: Promise<number>) => {
    exitCode = await work
  }
  const admin = quietCommand('shoal admin', host).description('Inspects and controls running services.')
  for (const api of adminApis) {
    const { name, what } = serviceFacts(api.kind)
    const service = quietCommand(name, host).summary(what).description(`shoal admin ${name}: ${what}`)
    for (const [callName, call] of Object.entries(api.calls)) {
      const verb = api.verbs[callName]
      if (verb !== undefined) service.addCommand(verbCommand({ api, name: callName, call, verb }, done, host))
    }
    if (api.kind === 'tracker') service.addCommand(whoHasCommand(done, host))
    admin.addCommand(service)
  }
  return runCommand(admin, argv, () => exitCode)
}
