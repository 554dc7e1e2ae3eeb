import { type AbortOptions, appError, hasCode } from '../../base/index.ts'
import { type Digest, parseDigest, type Referrer } from '../../core/index.ts'
import { type WebAnswer, webFailure } from '../web/web-client.ts'
import type { RegistryPartComponents } from './registry-manifests.ts'
import { nextOf } from './registry-names.ts'
import { scopes } from './registry-session.ts'

const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'
/** A page is an index, and so a manifest, which clients take up to this size. */
const MAX_REFERRERS_PAGE_BYTES = 4 * 1024 * 1024
/** Most pages of one list that are read. */
const MAX_REFERRERS_PAGES = 20
/** Most entries of one list, and their bytes as JSON. */
const MAX_LISTED = 5000
const MAX_LISTED_BYTES = 4 * 1024 * 1024
/** Longer annotations of an entry are left out, which clients read in the manifest itself. */
const MAX_NOTES_BYTES = 48 * 1024
/** Most annotations of an entry, and the longest name of one. */
const MAX_NOTES = 1000
const MAX_NOTE_NAME = 1024
const MAX_TYPE = 255

/** What refers to manifests, as a registry lists it itself. */
export interface RegistryReferrers {
  /**
   * All of it, of any artifact type; undefined when the registry does not list referrers, which are then those of the
   * fallback tag. @throws what `RegistryNames` throws; UNSUPPORTED for a list that is too long to be read
   */
  list(repository: string, subject: Digest, options?: AbortOptions): Promise<readonly Referrer[] | undefined>
}

/** Lists are read whole and never filtered there: so nothing depends on whether a registry knows that filter. */
export function registryReferrers(components: RegistryPartComponents): RegistryReferrers {
  const { governor } = components
  return {
    async list(repository, subject, options = {}) {
      const found = new Map<Digest, Referrer>()
      let bytes = 0
      let at: string | undefined = `${repository}/referrers/${subject}`
      for (let pages = 0; at !== undefined; pages += 1) {
        if (pages === MAX_REFERRERS_PAGES) throw tooLong()
        const here: string = at
        const page: Page | undefined = await governor.request(
          'list',
          (signal) => pageOf(components, { at: here, scope: scopes.pull(repository) }, { signal }),
          options,
        )
        if (page === undefined) return undefined
        for (const each of page.referrers) {
          found.set(each.digest, each)
          bytes += Buffer.byteLength(JSON.stringify(each))
        }
        if (found.size > MAX_LISTED || bytes > MAX_LISTED_BYTES) throw tooLong()
        at = page.next
      }
      return [...found.values()]
    },
  }
}

interface Page {
  readonly referrers: readonly Referrer[]
  readonly next: string | undefined
}

/** Undefined when the registry has no such list: it says so, or answers with something else. */
async function pageOf(
  { session }: RegistryPartComponents,
  { at, scope }: { readonly at: string; readonly scope: string },
  options: AbortOptions,
): Promise<Page | undefined> {
  const answer = await session
    .find({ method: 'GET', at, headers: { accept: INDEX_TYPE }, scope, ...options })
    .catch((err: unknown) => {
      if (hasCode(err, 'BACKEND_READ_ONLY', 'UNSUPPORTED')) return undefined
      throw err
    })
  if (answer === undefined) return undefined
  if (answer.headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== INDEX_TYPE) {
    await answer.discard()
    return undefined
  }
  return { referrers: await referrersIn(answer), next: nextOf(answer.headers['link'], answer.url) }
}

async function referrersIn(answer: WebAnswer): Promise<readonly Referrer[]> {
  const body = (await answer.json(MAX_REFERRERS_PAGE_BYTES).catch((err: unknown) => {
    throw webFailure(err)
  })) as Readonly<Record<string, unknown>> | null
  const entries = body?.['manifests'] ?? []
  if (!Array.isArray(entries)) throw malformed()
  return entries.map(referrerIn)
}

/** @throws BACKEND_UNAVAILABLE for what is no descriptor: whoever verifies signatures must not take a list for whole that is not */
function referrerIn(entry: unknown): Referrer {
  const { digest, mediaType, size, artifactType, annotations } = Object(entry) as Readonly<Record<string, unknown>>
  const isType = (value: unknown): value is string => typeof value === 'string' && value.length <= MAX_TYPE
  if (typeof digest !== 'string' || !isType(mediaType) || !Number.isSafeInteger(size) || Number(size) < 0)
    throw malformed()
  return {
    ...{ digest: digestIn(digest), mediaType, size: Number(size) },
    ...(isType(artifactType) && artifactType !== '' && { artifactType }),
    ...(areNotes(annotations) && { annotations }),
  }
}

function digestIn(text: string): Digest {
  try {
    return parseDigest(text)
  } catch {
    throw malformed()
  }
}

/** Texts by name, not too many and not too long. */
function areNotes(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const notes = Object.entries(value)
  if (notes.length > MAX_NOTES || notes.some(([name, text]) => name.length > MAX_NOTE_NAME || typeof text !== 'string'))
    return false
  return Buffer.byteLength(JSON.stringify(value)) <= MAX_NOTES_BYTES
}

const malformed = () => appError('BACKEND_UNAVAILABLE', { message: 'the registry sends a malformed list of referrers' })

const tooLong = () => appError('UNSUPPORTED', { message: 'the registry lists more referrers than can be read' })
