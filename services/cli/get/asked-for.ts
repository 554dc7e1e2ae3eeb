import { appError, type ProcessHost } from '../../../lib/base/index.ts'
import { loadConfig } from '../../../lib/config/index.ts'
import { type Digest, parseWebUrl, type WebUrl } from '../../../lib/core/index.ts'
import type { Platform } from '../../../lib/registry/index.ts'
import { listenerConfig } from '../../../lib/service/index.ts'
import { agentDoor } from '../../agent/index.ts'
import { type Target, type TargetFlags, targetOf } from '../admin/target.ts'
import { digestIn, type ImageName, imageName } from '../image-name.ts'
import { addressOf } from '../own-address.ts'
import { listenerUrl, plainUrl } from '../setup/request.ts'
import { ownPlatform, platformIn } from './image/platform.ts'

export interface GetFlags extends TargetFlags {
  readonly output?: string
  readonly range?: string
  readonly digest?: string
  readonly agent?: string
  readonly path?: string
  readonly platform?: string
  readonly list?: boolean
}

/** Content of a registry, or what lies under a URL. */
export type Wanted = ImageName | { readonly url: WebUrl }

/** Something of the files of an image. */
export interface Inside {
  readonly path: string
  readonly platform: Platform
  /** What lies there is listed, and not fetched. */
  readonly isList: boolean
}

/** What somebody wants to have. */
export interface Asked {
  readonly name: Wanted
  /** Undefined for the content itself. */
  readonly inside: Inside | undefined
  /** What the content must be; undefined for what a tag stands for. */
  readonly digest: Digest | undefined
  /** The part that is wanted, as `0-99`, `100-` or `-5`; undefined for all. */
  readonly range: string | undefined
  /** The path of a file; undefined for standard output. */
  readonly output: string | undefined
  /** Base URL of the listener for clients. */
  readonly agent: string
  /** Where the agent is asked for the sources. */
  readonly admin: Target
}

const RANGE = /^(?:\d{1,15}-\d{0,15}|-\d{1,15})$/
const NAME = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/

const invalid = (message: string) => appError('CONFIG_INVALID', { message })

/** @throws CONFIG_INVALID, URL_INVALID */
function wantedIn(what: string): Wanted {
  if (/^https?:\/\//i.test(what)) return { url: parseWebUrl(what) }
  const name = imageName(what)
  if (!NAME.test(name.repository)) throw invalid(`"${what}" is not NAME@DIGEST, NAME:TAG or a URL`)
  return name
}

function insideOf(name: Wanted, flags: GetFlags): Inside | undefined {
  const { path, platform, list: isList = false } = flags
  if (path === undefined && !isList) {
    if (platform !== undefined) throw invalid('--platform goes with --path or --list')
    return undefined
  }
  if ('url' in name) throw invalid('--path and --list are for images')
  const asked = [flags.output, flags.range, flags.digest]
  if (isList && asked.some((flag) => flag !== undefined))
    throw invalid('--list goes to standard output: leave out --output, --range and --digest')
  return { path: path ?? '/', platform: platform === undefined ? ownPlatform() : platformIn(platform), isList }
}

/** @throws CONFIG_INVALID, URL_INVALID */
export async function askedFor(what: string, flags: GetFlags, env: ProcessHost['env']): Promise<Asked> {
  const name = wantedIn(what)
  const inside = insideOf(name, flags)
  const named = 'url' in name || inside !== undefined ? undefined : name.digest
  const { range, output } = flags
  if (range !== undefined && !RANGE.test(range)) throw invalid('--range is like 0-99, 100- or -5')
  const wanted = flags.digest === undefined ? undefined : digestIn(flags.digest)
  if (wanted !== undefined && range !== undefined)
    throw invalid('--digest is that of the whole content: leave out --range')
  if (wanted !== undefined && named !== undefined && wanted !== named) {
    throw invalid('--digest is another one than that of the name')
  }
  const config = await loadConfig(agentDoor.schema, { file: flags.config, secretsFile: flags.secrets, env })
  const own = addressOf(config, listenerConfig(config, 'registry.listener'))
  const agent = flags.agent === undefined ? own : plainUrl(listenerUrl(flags.agent))
  const admin = await targetOf('agent', flags, env)
  return { name, inside, digest: wanted ?? named, range, output, agent, admin }
}
