import { appError, isAppError } from '../base/index.ts'
import { type Digest, parseDigest, parseRepositoryName, type Repository, sameRepository } from '../core/index.ts'
import { clientOf, type Exchange, refusal, sendEmpty } from '../http/index.ts'
import { mayPull } from './registry-gate.ts'
import { type UploadComponents, uploadSessions } from './upload-sessions.ts'

/** The upload protocol; signed Locations identify the sessions. */
export interface UploadOperations {
  /** POST: opens a session, or uploads a whole blob (`digest`), or mounts one (`mount`, and `from` if it is known). */
  open(exchange: Exchange, repository: Repository): Promise<void>
  status(exchange: Exchange, repository: Repository, id: string): Promise<void>
  append(exchange: Exchange, repository: Repository, id: string): Promise<void>
  close(exchange: Exchange, repository: Repository, id: string): Promise<void>
  cancel(exchange: Exchange, repository: Repository, id: string): Promise<void>
}

export function uploadOperations(components: UploadComponents): UploadOperations {
  const { uploads } = components
  const sessions = uploadSessions(components)

  const openWhole = async (exchange: Exchange, repository: Repository, digest: Digest) => {
    const session = await uploads.create(repository, { signal: exchange.signal, client: clientOf(exchange.req) })
    try {
      await sessions.append(exchange, repository, session)
      await uploads.commit(repository, session, digest, { signal: exchange.signal })
    } catch (err) {
      await uploads.cancel(repository, session).catch(() => undefined)
      // An answer must not carry the Location of a session that is gone.
      throw isAppError(err) ? refusal(err, {}) : err
    }
    sendCreated(exchange, repository, digest)
  }

  const openSession = async (exchange: Exchange, repository: Repository) => {
    const session = await uploads.create(repository, { signal: exchange.signal, client: clientOf(exchange.req) })
    sendEmpty(exchange, 202, sessions.headers(repository, session))
  }

  return {
    async open(exchange, repository) {
      const [mount, whole] = [exchange.query.get('mount'), exchange.query.get('digest')]
      if (mount !== null) {
        const digest = parseDigest(mount)
        if (await tryMount(uploads, exchange, { repository, digest })) sendCreated(exchange, repository, digest)
        else await openSession(exchange, repository)
      } else if (whole !== null) await openWhole(exchange, repository, parseDigest(whole))
      else {
        assertKnownAlgorithm(exchange.query.get('digest-algorithm'))
        await openSession(exchange, repository)
      }
    },

    async status(exchange, repository, id) {
      const session = sessions.fromLocation(exchange, repository, id)
      const now = await uploads.status(repository, session, { signal: exchange.signal })
      sendEmpty(exchange, 204, sessions.headers(repository, now))
    },

    async append(exchange, repository, id) {
      const session = sessions.fromLocation(exchange, repository, id)
      const now = await sessions.append(exchange, repository, session)
      sendEmpty(exchange, 202, sessions.headers(repository, now))
    },

    async close(exchange, repository, id) {
      const session = sessions.fromLocation(exchange, repository, id)
      const digest = parseDigest(exchange.query.get('digest') ?? '')
      if (hasBody(exchange)) await sessions.append(exchange, repository, session)
      await uploads.commit(repository, session, digest, { signal: exchange.signal })
      sendCreated(exchange, repository, digest)
    },

    async cancel(exchange, repository, id) {
      const session = sessions.fromLocation(exchange, repository, id)
      await uploads.cancel(repository, session, { signal: exchange.signal })
      sendEmpty(exchange, 204)
    },
  }
}

/**
 * A client may say by which algorithm it will close its upload. Here any that is known may close any upload, but whoever says
 * one that is not known should learn it before the bytes are sent. @throws DIGEST_INVALID
 */
function assertKnownAlgorithm(named: string | null): void {
  if (named === null || named === '' || named === 'sha256' || named === 'sha512') return
  throw appError('DIGEST_INVALID', { message: 'digests here are sha256 or sha512' })
}

function sendCreated(exchange: Exchange, repository: Repository, digest: Digest): void {
  const location = `/v2/${repository.name}/blobs/${digest}`
  sendEmpty(exchange, 201, { location, 'docker-content-digest': digest })
}

/**
 * Each source is tried as if the client had named it, so that one that names none gets nothing that he could not name. Where
 * he may not read counts as where the blob is not.
 */
async function tryMount(
  uploads: UploadComponents['uploads'],
  exchange: Exchange,
  { repository, digest }: { readonly repository: Repository; readonly digest: Digest },
): Promise<boolean> {
  const from = exchange.query.get('from')
  const admits = (each: Repository) => mayPull(exchange, each)
  const isNamed = from !== null && from !== ''
  const sources = isNamed ? namedSource(repository, from).filter(admits) : uploads.homes(digest, admits)
  for (const source of sources) {
    if (await uploads.mount(repository, digest, source, { signal: exchange.signal })) return true
  }
  return false
}

/** None when the source cannot exist, or is the target itself: a failed mount opens a session and is never an error. */
function namedSource(target: Repository, from: string): readonly Repository[] {
  try {
    const source: Repository = { registry: target.registry, name: parseRepositoryName(from) }
    return sameRepository(source, target) ? [] : [source]
  } catch {
    return []
  }
}

function hasBody({ req }: Exchange): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0
}
