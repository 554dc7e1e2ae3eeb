import { type BlobLink, blobLinkSchema, descriptorSchema, parseBody } from '../../lib/api/index.ts'
import type { Descriptor } from '../../lib/core/index.ts'
import type { IndexRecords } from './index-records.ts'
import { type CondemnableRecords, condemnableRecords } from './sentences.ts'

/** The links of blobs; those that no manifest of their repository names are condemned by looks for garbage. */
export const blobLinkRecords = (records: IndexRecords): CondemnableRecords<BlobLink> =>
  condemnableRecords(records, (value) => parseBody(blobLinkSchema, value))

/** The links of manifests; those that nothing needs are condemned by looks of retention. */
export const manifestLinkRecords = (records: IndexRecords): CondemnableRecords<Descriptor> =>
  condemnableRecords(records, (value) => parseBody(descriptorSchema, value))
