import { appError } from '../../../lib/base/index.ts'
import type { GuardedEntry, UpstreamEntry } from '../../../lib/service/index.ts'
import { type Fronts, frontFaults } from './config.ts'

/** How a registry is reached. */
const WAY = ['url', 'plainHttp', 'inner', 'ca'] as const

/**
 * Whether a setting may replace the entries of the file. It says who may read, and of which registries; how one is reached is said in
 * the file alone. Else whoever steers a fleet could have clients' passwords sent elsewhere, or in clear. @throws CONFIG_INVALID
 */
export function assertSettable(file: Fronts, entries: readonly UpstreamEntry[]): void {
  const [fault] = frontFaults({ ...file, upstreams: entries })
  if (fault !== undefined) throw invalid(`registry.${fault.path.join('.')} ${fault.message}`)
  for (const entry of entries) {
    const key = isGuarded(entry) ? WAY.find((each) => !isKnownWay(file.upstreams, entry, each)) : undefined
    if (key === undefined) continue
    throw invalid(
      `how a registry is reached is said in the file: no entry there has this ${key} for "${entry.registry}"`,
    )
  }
}

const isGuarded = (entry: UpstreamEntry): entry is GuardedEntry => entry.identity !== 'mirror'

/** The usual way, over TLS to the host itself, is known of every registry. */
function isKnownWay(inFile: readonly UpstreamEntry[], entry: GuardedEntry, key: (typeof WAY)[number]): boolean {
  const said = entry[key]
  if (said === undefined || said === false) return true
  return inFile.some((one) => isGuarded(one) && one.registry === entry.registry && one[key] === said)
}

const invalid = (message: string) => appError('CONFIG_INVALID', { message })
