import type { Clock, Startable } from '../base/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { Grant } from './access.ts'
import { type NamedToken, parseTokenFile, TOKEN_PREFIX, tokenHash } from './token-file.ts'
import { watchedFile } from './watched-file.ts'

/** The named tokens of a file. */
export interface TokenDirectory extends Startable {
  /** The name of the token that was shown; undefined for a wrong one, and when its time is over. */
  nameOf(shown: string): string | undefined
  /** What the token of that name gives; undefined when there is none any more. */
  grantsOf(name: string): readonly Grant[] | undefined
}

interface Tables {
  readonly byHash: ReadonlyMap<string, NamedToken>
  readonly byName: ReadonlyMap<string, NamedToken>
}

const parseTables = (text: string): Tables => {
  const tokens = parseTokenFile(text)
  return {
    byHash: new Map(tokens.map((token) => [token.sha256, token])),
    byName: new Map(tokens.map((token) => [token.name, token])),
  }
}

export function tokenDirectory(
  components: { readonly clock: Clock; readonly logger: Logger },
  { path, onChange }: { readonly path: string; readonly onChange: () => void },
): TokenDirectory {
  const file = watchedFile<Tables>(components, { path, parse: parseTables, onChange })
  const inForce = (token: NamedToken | undefined) =>
    token !== undefined && components.clock.now() < (token.expiresMs ?? Number.POSITIVE_INFINITY) ? token : undefined
  return {
    start: () => file.start(),
    stop: () => file.stop(),
    // The hash of a guess says nothing about the hashes that it is compared with.
    nameOf: (shown) =>
      shown.startsWith(TOKEN_PREFIX) ? inForce(file.value?.byHash.get(tokenHash(shown)))?.name : undefined,
    grantsOf: (name) => inForce(file.value?.byName.get(name))?.grants,
  }
}
