import {
  type AppError,
  abortable,
  appError,
  hasCode,
  isAppError,
  readLinked,
  throwIfAborted,
} from '../../base/index.ts'
import { networkMembers, parseConfigText } from '../../config/index.ts'
import { checkedMembers } from './checked-members.ts'
import type { MemberSource } from './member-source.ts'
import { hostsOfNamed, membersIn, type NamedMember } from './named-members.ts'

/** Pause between two looks at the file. Events of the file system do not tell of every mount, so none are awaited. */
const LOOK_MS = 1_000
/** Most bytes of the file: more than the most members take. */
const MAX_BYTES = 1024 * 1024

export interface FileSourceInit {
  /** Of a file of YAML or JSON: a list of members, each with `id` and `url`, or `addresses` by network. */
  readonly path: string
  /** The network from which its members are called. */
  readonly network?: string | undefined
}

/**
 * Members that stand in a file, which is read again and again. It may be replaced, or be a link through which it is
 * replaced, as Kubernetes does with a ConfigMap.
 */
export function fileSource({ path, network }: FileSourceInit): MemberSource {
  const what = `the file ${path}`
  let hosts: readonly string[] = []
  return {
    what,
    get hosts() {
      return hosts
    },
    async read({ signal } = {}) {
      throwIfAborted(signal)
      const named = parsed(await abortable(readText(path, what), signal), what)
      const members = checkedMembers(called(named, network, what), what)
      hosts = hostsOfNamed(named)
      return { members, againMs: LOOK_MS }
    },
  }
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readLinked(path, MAX_BYTES)
  } catch (err) {
    const why = isAppError(err) ? err.message : hasCode(err, 'ENOENT') ? 'it does not exist' : 'it cannot be read'
    throw unavailable(what, why, err)
  }
}

/** An empty list is an answer; a text that is no list is none. */
function parsed(text: string, what: string): readonly NamedMember[] {
  if (/^\s*(?:\[\s*\]\s*)?$/.test(text)) return []
  try {
    return parseConfigText(networkMembers, text, what)
  } catch (err) {
    throw unavailable(what, isAppError(err) ? err.message : 'it cannot be parsed', err)
  }
}

function called(named: readonly NamedMember[], network: string | undefined, what: string) {
  try {
    return membersIn(named, network)
  } catch (err) {
    throw unavailable(what, isAppError(err) ? err.message : 'it names members without addresses', err)
  }
}

const unavailable = (what: string, why: string, cause: unknown): AppError =>
  appError('MEMBERS_UNAVAILABLE', { message: why.startsWith(what) ? why : `${what}: ${why}`, cause })
