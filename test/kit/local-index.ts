import type { BuildIndex } from '../../lib/api/index.ts'
import type { Backend } from '../../lib/backend/index.ts'
import type { Clock, Random } from '../../lib/base/index.ts'
import { type IndexRecords, indexRecords } from '../../services/build-index/index-records.ts'
import { repositoryIndex } from '../../services/build-index/repository-index.ts'
import { type TagRecords, type TagRecordsComponents, tagRecords } from '../../services/build-index/tag-records.ts'

export const rememberMs = 30 * 24 * 60 * 60_000

export interface LocalIndexComponents
  extends Partial<Pick<TagRecordsComponents, 'announce' | 'cluster' | 'isImmutable'>> {
  readonly backend: Backend
  readonly clock: Clock
  readonly random: Random
}

export interface LocalIndex {
  readonly index: BuildIndex
  readonly records: IndexRecords
  readonly tags: TagRecords
}

/** The index of one build-index, in a backend. */
export function localIndex(components: LocalIndexComponents): LocalIndex {
  const records = indexRecords(components)
  const tags = tagRecords({ cluster: 'here', rememberMs, ...components, records })
  return { index: repositoryIndex({ ...components, records, tags }), records, tags }
}
