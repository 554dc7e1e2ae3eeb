import { type AbortOptions, appError, type Clock, lifecycle, type Startable } from '../../base/index.ts'
import { parseRepositoryName, type Repository, type RepositoryName } from '../../core/index.ts'
import { admittedFrom, type HttpClientComponents, httpClient } from '../../http/index.ts'
import type { Governor } from '../governor.ts'
import { nameForPlace, REPOSITORY_PLACE } from '../repository-place.ts'
import { rangedWeb } from '../web/ranged-web.ts'
import { refusalOf } from '../web/web-client.ts'
import { type BlobUploadInit, uploadBlob } from './blob-upload.ts'
import type { RegistryConfig } from './config.ts'
import { type Credentials, fixedCredentials } from './credentials.ts'
import { dockerConfigCredentials } from './docker-config.ts'
import { type RegistryBlobs, registryBlobs } from './registry-blobs.ts'
import { type RangedBlobs, type RegistryManifests, registryManifests } from './registry-manifests.ts'
import { type RegistryNames, registryNames } from './registry-names.ts'
import { type RegistrySession, registrySession, scopes } from './registry-session.ts'
import { uploadRequests } from './upload-requests.ts'

export interface RegistryComponents extends HttpClientComponents {
  readonly governor: Governor
}

/** One repository of the registry. */
export interface RegistryRepository {
  /** Its name in that registry. */
  readonly name: RepositoryName
  readonly blobs: RegistryBlobs
  readonly manifests: RegistryManifests
  /** See `uploadBlob`. @throws BACKEND_READ_ONLY, as every method that writes, when the mode is read-only */
  readonly upload: (source: Parameters<typeof uploadBlob>[1], init: Omit<BlobUploadInit, 'chunkBytes'>) => Promise<void>
}

/** A registry behind the cluster; each of our repositories has one repository there. */
export interface Registry extends Startable {
  /**
   * Checks that the registry answers and accepts our login. @throws BACKEND_UNAVAILABLE, BACKEND_DENIED,
   * BACKEND_THROTTLED, ABORTED
   */
  ping(options?: AbortOptions): Promise<void>
  /**
   * @throws NAME_INVALID; NO_BACKEND_RULE for a repository of another registry when the config has a place for the name
   */
  repository(repository: Repository): RegistryRepository
  /** Our name of a repository in that registry; undefined when it is not one of ours. */
  nameOf(there: string): RepositoryName | undefined
  readonly names: RegistryNames
}

/** The registry of `config`; sends nothing before the first call. */
export function openRegistry(components: RegistryComponents, config: RegistryConfig): Registry {
  const { governor, clock } = components
  const http = httpClient(components, { caFile: config.ca, admits: admittedFrom(new URL(config.url)) })
  const { host } = new URL(config.url)
  const credentials = registryCredentials(components, { ...config, host })
  const session = registrySession({ http, clock }, { url: config.url, credentials })
  const parts = { session, governor, clock, ranged: { web: rangedWeb(clock), host } }
  const hasPlace = config.repository.includes(REPOSITORY_PLACE)
  const [before = '', after = ''] = config.repository.split(REPOSITORY_PLACE)

  return {
    ...lifecycle([http]),
    ping: (options = {}) =>
      governor.request(
        'stat',
        async (signal) => {
          const answer = await session.send({ method: 'GET', at: '', scope: scopes.none, signal })
          if (answer.status !== 200) throw await refusalOf(answer, clock)
          await answer.discard()
        },
        options,
      ),
    repository(repository) {
      const filled = hasPlace ? before + nameForPlace(repository) + after : config.repository
      const writable = registryRepository(parts, parseRepositoryName(filled), { chunkBytes: config.chunk })
      return config.mode === 'read-only' ? onlyRead(writable) : writable
    },
    nameOf(there) {
      if (!hasPlace || !there.startsWith(before) || !there.endsWith(after)) return undefined
      return nameOrNothing(there.slice(before.length, there.length - after.length))
    },
    names: registryNames(parts),
  }
}

export interface RegistryParts {
  readonly session: RegistrySession
  readonly governor: Governor
  readonly clock: Clock
  readonly ranged?: RangedBlobs | undefined
}

/** One repository, by its name there. */
export function registryRepository(
  parts: RegistryParts,
  name: RepositoryName,
  { chunkBytes }: Pick<BlobUploadInit, 'chunkBytes'>,
): RegistryRepository {
  const { governor, clock } = parts
  const blobs = registryBlobs(parts, name)
  const upload = { governor, clock, blobs, requests: uploadRequests(parts, name) }
  return {
    name,
    blobs,
    manifests: registryManifests(parts, name),
    upload: (source, init) => uploadBlob(upload, source, { ...init, chunkBytes }),
  }
}

/** The repository, which refuses what writes. */
export function onlyRead(repository: RegistryRepository): RegistryRepository {
  const refuse = () =>
    Promise.reject(appError('BACKEND_READ_ONLY', { message: 'the registry accepts no writes: its mode is read-only' }))
  return {
    ...repository,
    blobs: { ...repository.blobs, remove: refuse },
    manifests: { ...repository.manifests, put: refuse, remove: refuse },
    upload: refuse,
  }
}

function nameOrNothing(text: string): RepositoryName | undefined {
  try {
    return parseRepositoryName(text)
  } catch {
    return undefined
  }
}

/** How a config says who we are at a registry. */
export interface RegistryLogin extends Pick<RegistryConfig, 'username' | 'password' | 'dockerConfig'> {
  /** The registry's host, as in the config of docker. */
  readonly host: string
}

/** The logins at one registry. */
export function registryCredentials(
  components: HttpClientComponents,
  { username, password, dockerConfig, host }: RegistryLogin,
): Credentials {
  if (dockerConfig !== undefined) return dockerConfigCredentials(components, { file: dockerConfig, host })
  return fixedCredentials(username === undefined || password === undefined ? undefined : { username, password })
}
