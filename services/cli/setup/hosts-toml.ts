import { appError } from '../../../lib/base/index.ts'
import { endedText, firstEditTo, lineEndOf, readToml, sameToml, tableAt, tomlText } from './toml.ts'

export interface HostsTomlInit {
  /** URL of the agent, which is asked first. */
  readonly agent: string
  /** URL that is asked when the agent does not give the image; undefined: the registry itself, as containerd finds it. */
  readonly server?: string
}

const CAPABILITIES = ['pull', 'resolve']

const hostLines = (agent: string): readonly string[] => [
  `[host.${tomlText(agent)}]`,
  `  capabilities = ${JSON.stringify(CAPABILITIES).replaceAll(',', ', ')}`,
]

/** The text of a hosts.toml where there was none. */
export function newHostsToml({ agent, server }: HostsTomlInit): string {
  const serverLines = server === undefined ? [] : [`server = ${tomlText(server)}`, '']
  return ['# Written by shoal setup.', ...serverLines, ...hostLines(agent), ''].join('\n')
}

function* hostEdits(text: string, agent: string): Iterable<string> {
  const end = lineEndOf(text)
  const block = hostLines(agent).map((line) => line + end)
  for (const { index } of text.matchAll(/^[ \t]*\[\s*["']?host["']?[\].\s]/gm))
    yield text.slice(0, index) + block.join('') + end + text.slice(index)
  yield endedText(text) + (text.trim() === '' ? '' : end) + block.join('')
}

function* serverEdits(text: string, server: string): Iterable<string> {
  const line = `server = ${tomlText(server)}`
  for (const { 0: found, index } of text.matchAll(/^[ \t]*server\s*=\s*(?:"[^"\n]*"|'[^'\n]*')/gm))
    yield text.slice(0, index) + line + text.slice(index + found.length)
  yield line + lineEndOf(text) + text
}

const byHand = (file: string, what: string) =>
  appError('CONFIG_INVALID', { message: `${file}: shoal cannot change it without a change of other lines; ${what}` })

/**
 * The text with the agent as the first host; all else stays. A `server` replaces the one that is there.
 * @throws CONFIG_INVALID
 */
export function withAgentFirst(text: string, file: string, { agent, server }: HostsTomlInit): string {
  const edited = server === undefined ? text : withServer(text, file, server)
  const table = readToml(edited, file)
  const hosts = tableAt(table, ['host']) ?? {}
  if (Object.hasOwn(hosts, agent)) {
    if (Object.keys(hosts)[0] === agent) return edited
    throw appError('CONFIG_INVALID', {
      message: `${file}: the agent is there, but after others; make it the first host`,
    })
  }
  const wanted = { ...table, host: { ...hosts, [agent]: { capabilities: CAPABILITIES } } }
  const found = firstEditTo(
    hostEdits(edited, agent),
    (result) => sameToml(result, wanted) && Object.keys(tableAt(result, ['host']) ?? {})[0] === agent,
  )
  if (found === undefined) throw byHand(file, `write [host.${tomlText(agent)}] before the other hosts`)
  return found
}

function withServer(text: string, file: string, server: string): string {
  const table = readToml(text, file)
  if (table['server'] === server) return text
  const found = firstEditTo(serverEdits(text, server), (result) => sameToml(result, { ...table, server }))
  if (found === undefined) throw byHand(file, `write server = ${tomlText(server)}`)
  return found
}
