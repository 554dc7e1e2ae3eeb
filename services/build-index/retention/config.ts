import { z } from 'zod'
import { liveKeys } from '../../../lib/api/index.ts'

const live = liveKeys['build-index']

/** Which tags and manifests go by themselves. */
export const retentionSchema = z
  .strictObject({
    /** From the begin of one look at the tags to the next; `off`: only when an admin orders one. */
    interval: live['retention.interval'].prefault('off'),
    /** Whether anything is deleted; without it a look only says which ones would be. */
    remove: live['retention.remove'].default(false),
    /** The first rule that fits a tag says whether it is kept; tags that no rule fits are. */
    rules: live['retention.rules'].prefault([]),
    /** Tags that are kept whatever the rules say. */
    protect: live['retention.protect'].prefault([]),
    /** The first rule that fits a repository says when its manifests go that no tag needs; others keep them. */
    untagged: live['retention.untagged'].prefault([]),
    /** Records of tags and manifests that are read or changed in a second. */
    rate: live['retention.rate'].default(200),
  })
  .prefault({})
export type RetentionConfig = z.output<typeof retentionSchema>
export type RetentionRule = RetentionConfig['rules'][number]
export type UntaggedRule = RetentionConfig['untagged'][number]
