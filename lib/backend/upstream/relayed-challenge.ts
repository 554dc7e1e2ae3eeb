import { mayLeadTo } from '../../http/index.ts'
import { type Challenge, parseChallenges } from '../registry/challenge.ts'

/** Longest value of a parameter that is passed on, in characters. */
const MAX_VALUE_CHARS = 1024

/** What clients need to know, by scheme; nothing else that an upstream says is passed on. */
const params: Readonly<Record<string, readonly string[]>> = {
  bearer: ['realm', 'service', 'scope', 'error'],
  basic: ['realm'],
}

const names: Readonly<Record<string, string>> = { bearer: 'Bearer', basic: 'Basic' }

/**
 * The log-ins that an upstream at `registry` asks for, written anew, for a client that is to get its own token there.
 * Undefined when none of them may be passed on: a registry with TLS sends no client to a token server without, nor one from
 * elsewhere to this machine or its link.
 */
export function relayedChallenge(header: string | undefined, registry: URL): string | undefined {
  const relayed = parseChallenges(header).filter((one) => mayBeFollowed(one, registry))
  return relayed.length === 0 ? undefined : relayed.map(textOf).join(', ')
}

function mayBeFollowed({ scheme, params: { realm = '' } }: Challenge, registry: URL): boolean {
  if (scheme !== 'bearer') return scheme === 'basic'
  const url = URL.canParse(realm) ? new URL(realm) : undefined
  if (url === undefined || url.username !== '' || url.password !== '' || !mayLeadTo(url, registry)) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && registry.protocol === 'http:')
}

/** Of printable ASCII, quoted. */
function textOf({ scheme, params: given }: Challenge): string {
  const shown = (params[scheme] ?? []).flatMap((name) => {
    const value = given[name]
    if (value === undefined || value.length > MAX_VALUE_CHARS || !/^[\x20-\x7e]*$/.test(value)) return []
    return [`${name}="${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`]
  })
  return [names[scheme], shown.join(',')].filter(Boolean).join(' ')
}
