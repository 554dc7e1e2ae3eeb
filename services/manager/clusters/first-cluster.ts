import { appError, hasCode, type Random, readLinked, replaceFile, type Startable } from '../../../lib/base/index.ts'
import { secretText } from '../../../lib/config/index.ts'
import type { ClusterStore } from './cluster-store.ts'
import type { ClustersConfig } from './config.ts'
import { type JoinTokenStore, randomJoinToken } from './join-token-store.ts'
import type { Roster } from './roster.ts'

type First = NonNullable<ClustersConfig['first']>

export interface FirstClusterComponents {
  readonly clusters: ClusterStore
  readonly tokens: JoinTokenStore
  readonly known: Roster
  readonly random: Random
}

const MAX_TOKEN_BYTES = 4_096
const ACTOR = 'config'

/** The token in the file; a new one is written there when there is no such file. @throws CONFIG_INVALID */
async function tokenInFile(path: string, random: Random): Promise<string> {
  const invalid = (why: string, cause?: unknown) =>
    appError('CONFIG_INVALID', { message: `clusters.first.tokenFile ${why}`, cause })
  const text = await readLinked(path, MAX_TOKEN_BYTES).catch((err: unknown) => {
    if (hasCode(err, 'ENOENT')) return undefined
    throw invalid('cannot be read', err)
  })
  if (text !== undefined) {
    const found = secretText.safeParse(text.trim())
    if (found.success) return found.data
    throw invalid('holds no token of 16 to 256 characters')
  }
  const token = randomJoinToken(random)
  await replaceFile(path, `${token}\n`).catch((err: unknown) => {
    throw invalid('cannot be written', err)
  })
  return token
}

const tokenOf = async ({ token, tokenFile }: First, random: Random): Promise<string | undefined> =>
  tokenFile === undefined ? token?.() : tokenInFile(tokenFile, random)

/** The cluster that the config names is there, and its token is the one of the config. */
export function firstCluster(
  { clusters, tokens, known, random }: FirstClusterComponents,
  { first }: ClustersConfig,
): Startable {
  return {
    async start() {
      if (first === undefined) return
      await known.refresh()
      const isDefault = known.clusters.length === 0
      const { id } = known.find(first.name) ?? (await clusters.create(ACTOR, { name: first.name, isDefault }))
      const token = await tokenOf(first, random)
      if (token !== undefined) await tokens.settle(ACTOR, { clusterId: id, name: 'config', token })
      await known.refresh()
    },
    stop: () => Promise.resolve(),
  }
}
