import {
  type AppError,
  abortable,
  appError,
  hasCode,
  isAppError,
  readLinked,
  throwIfAborted,
} from '../../base/index.ts'
import { memberList, parseConfigText } from '../../config/index.ts'
import type { Member } from '../cluster.ts'
import { checkedMembers } from './checked-members.ts'
import type { MemberSource } from './member-source.ts'

/** Pause between two looks at the file. Events of the file system do not tell of every mount, so none are awaited. */
const LOOK_MS = 1_000
/** Most bytes of the file: more than the most members take. */
const MAX_BYTES = 1024 * 1024

export interface FileSourceInit {
  /** Of a file of YAML or JSON: a list of members, each with `id` and `url`. */
  readonly path: string
}

/**
 * Members that stand in a file, which is read again and again. It may be replaced, or be a link through which it is
 * replaced, as Kubernetes does with a ConfigMap.
 */
export function fileSource({ path }: FileSourceInit): MemberSource {
  const what = `the file ${path}`
  return {
    what,
    hosts: [],
    async read({ signal } = {}) {
      throwIfAborted(signal)
      const text = await abortable(readText(path, what), signal)
      return { members: checkedMembers(parsed(text, what), what), againMs: LOOK_MS }
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
function parsed(text: string, what: string): readonly Member[] {
  if (/^\s*(?:\[\s*\]\s*)?$/.test(text)) return []
  try {
    return parseConfigText(memberList, text, what)
  } catch (err) {
    throw unavailable(what, isAppError(err) ? err.message : 'it cannot be parsed', err)
  }
}

const unavailable = (what: string, why: string, cause: unknown): AppError =>
  appError('MEMBERS_UNAVAILABLE', { message: why.startsWith(what) ? why : `${what}: ${why}`, cause })
