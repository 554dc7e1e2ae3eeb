import type { AbortOptions, Random } from '../../lib/base/index.ts'
import type { IndexRecords, ParseRecord } from './index-records.ts'

/** Since when a record is condemned: nothing that stays needs what it stands for. */
export interface Sentence {
  readonly atMs: number
  /** Different each time, so that no two records of a condemned thing are alike. */
  readonly nonce: string
}

/** A record that can be condemned, as it is stored: the fields of its value, and `condemned` beside them. */
export interface Condemnable<T> {
  readonly value: T
  readonly condemned: Sentence | undefined
}

export const newSentence = (random: Random, atMs: number): Sentence => ({
  atMs,
  nonce: Buffer.from(random.bytes(12)).toString('hex'),
})

/** A sentence that is malformed counts as none. @throws what `parse` throws */
export const condemnable =
  <T>(parse: ParseRecord<T>): ParseRecord<Condemnable<T>> =>
  (value) => {
    const { atMs, nonce } = (Object(value) as { readonly condemned?: Partial<Sentence> }).condemned ?? {}
    const isSentence = typeof atMs === 'number' && typeof nonce === 'string'
    return { value: parse(value), condemned: isSentence ? { atMs, nonce } : undefined }
  }

/** Records that can be condemned. Every method: @throws as `IndexRecords.change` */
export interface CondemnableRecords<T> {
  read(key: string, options?: AbortOptions): Promise<Condemnable<T> | undefined>
  /**
   * The value, for somebody who may rely on it from now on: so it is condemned no longer. What is put anew is not either,
   * since the whole record is written. Undefined when there is none.
   */
  spared(key: string, options?: AbortOptions): Promise<T | undefined>
  /** Returns whether it is condemned now, and was not before. */
  condemn(key: string, sentence: Sentence, options?: AbortOptions): Promise<boolean>
  /** Removes the record if nobody has taken this sentence away. Returns whether it was removed. */
  remove(key: string, sentence: Sentence, options?: AbortOptions): Promise<boolean>
}

export function condemnableRecords<T extends object>(
  records: Pick<IndexRecords, 'read' | 'change' | 'removeIf'>,
  parseValue: ParseRecord<T>,
): CondemnableRecords<T> {
  const parse = condemnable(parseValue)
  const read: CondemnableRecords<T>['read'] = async (key, { signal } = {}) =>
    (await records.read(key, parse, { signal }))?.value
  return {
    read,
    async spared(key, { signal } = {}) {
      const found = await read(key, { signal })
      if (found?.condemned === undefined) return found?.value
      let value: T | undefined
      const decide = (now: Condemnable<T> | undefined) => {
        value = now?.value
        return now?.condemned === undefined ? undefined : now.value
      }
      await records.change(key, { parse, decide }, { signal })
      return value
    },
    async condemn(key, condemned, { signal } = {}) {
      let isNew = false
      const decide = (now: Condemnable<T> | undefined) => {
        isNew = now !== undefined && now.condemned === undefined
        return isNew ? { ...now?.value, condemned } : undefined
      }
      await records.change(key, { parse, decide }, { signal })
      return isNew
    },
    remove: (key, { nonce }, { signal } = {}) =>
      records.removeIf(key, { parse, test: ({ condemned }) => condemned?.nonce === nonce }, { signal }),
  }
}
