import { type AbortOptions, appError, hasCode, inTurns, singleFlight } from '../../base/index.ts'
import { MAX_KEY_BYTES } from '../key.ts'
import { isLeftProof, isProof, type ProofNameComponents, proofName } from '../proof-name.ts'
import type { MultipartApi, ObjectApi, ObjectCondition, Pacing } from './object-api.ts'

/** Kinds of requests that can have a condition. */
type Conditional = 'put' | 'complete' | 'delete'

/** Starts the last segment of the key of a test object; the object is removed after the test and never listed. */
const PROOF = '.shoal-proof-'
/** Objects that are removed at a time, of those that crashes have left. */
const REMOVALS = 4

const PROOF_BYTES = Buffer.from('shoal')
const unpaced: Pacing = { pace: () => Promise.resolve() }

export interface ConditionalApi {
  readonly objects: ObjectApi
  readonly multipart: MultipartApi
}

export interface ProvenConditionsComponents extends ConditionalApi, ProofNameComponents {}

/**
 * The same requests, but a conditional one is sent only after the backend has shown that it refuses a condition that
 * does not hold; a backend that ignored conditions would silently lose updates. The first conditional request of each
 * kind costs a few small requests for a test object beside its key. One that a crash has left is removed by whoever lists
 * it next. @throws BACKEND_CONDITIONS_IGNORED for a conditional request to a backend that ignores conditions
 */
export function provenConditions({ clock, random, ...api }: ProvenConditionsComponents): ConditionalApi {
  const { objects, multipart } = api
  const proven = new Set<string>()
  const proofs = singleFlight<string, void>()

  const prove = async (kind: Conditional, key: string, { ifAbsent, signal }: ObjectCondition & AbortOptions) => {
    const beside = keyBeside(key, proofName(PROOF, { clock, random }))
    const { etag } = await objects.put(beside, PROOF_BYTES, { signal, ...unpaced })
    const wrong = ifAbsent === true ? { ifAbsent } : { ifMatch: otherEtag(etag) }
    try {
      await refused(kind, attempts[kind](api, beside, { signal, ...wrong }))
    } finally {
      await cleaned(() => objects.delete(beside, {}))
    }
  }

  const check = async (
    kind: Conditional,
    key: string,
    { ifAbsent, ifMatch, signal }: ObjectCondition & AbortOptions,
  ) => {
    if (ifAbsent !== true && ifMatch === undefined) return
    const request = `${kind} ${ifAbsent === true ? 'ifAbsent' : 'ifMatch'}`
    if (proven.has(request)) return
    const condition = ifAbsent === true ? { ifAbsent } : {}
    await proofs.run(request, (shared) => prove(kind, key, { ...condition, signal: shared }), { signal })
    proven.add(request)
  }

  return {
    objects: {
      ...objects,
      async put(key, bytes, options) {
        await check('put', key, options)
        return objects.put(key, bytes, options)
      },
      async delete(key, options) {
        await check('delete', key, options)
        return objects.delete(key, options)
      },
      async list(prefix, options) {
        const { keys, next } = await objects.list(prefix, options)
        const left = keys.filter((key) => isLeftProof(PROOF, key, clock.now()))
        await inTurns(left, REMOVALS, (key) => cleaned(() => objects.delete(key, options)))
        return { keys: keys.filter((key) => !isProof(PROOF, key)), next }
      },
    },
    multipart: {
      ...multipart,
      async complete(key, parts, options) {
        await check('complete', key, options)
        return multipart.complete(key, parts, options)
      },
    },
  }
}

type Attempt = (api: ConditionalApi, key: string, options: AbortOptions & ObjectCondition) => Promise<unknown>

const attempts: Readonly<Record<Conditional, Attempt>> = {
  put: ({ objects }, key, options) => objects.put(key, PROOF_BYTES, { ...options, ...unpaced }),
  delete: ({ objects }, key, options) => objects.delete(key, options),
  async complete({ multipart }, key, { signal, ...condition }) {
    const uploadId = await multipart.create(key, { signal })
    try {
      const part = await multipart.part(key, PROOF_BYTES, { signal, uploadId, number: 1, ...unpaced })
      await multipart.complete(key, [part], { signal, ...condition, uploadId, size: PROOF_BYTES.length })
    } finally {
      await cleaned(() => multipart.abort(key, uploadId, {}))
    }
  },
}

/**
 * Runs also when the caller aborted. A test object that cannot be removed is tiny, never listed, and removed later; the
 * test still counts.
 */
async function cleaned(remove: () => Promise<void>): Promise<void> {
  try {
    await remove()
  } catch {
    // The caller has its own error, or none.
  }
}

async function refused(kind: Conditional, attempt: Promise<unknown>): Promise<void> {
  try {
    await attempt
  } catch (err) {
    if (hasCode(err, 'BACKEND_PRECONDITION_FAILED')) return
    throw err
  }
  throw appError('BACKEND_CONDITIONS_IGNORED', { detail: { request: kind } })
}

/** Of the same form, with or without quotes, so that no backend refuses it for its form; the object does not have it. */
const otherEtag = (etag: string): string => etag.replace(/[0-9a-f]/g, (digit) => (digit === '0' ? '1' : '0'))

/** In the folder of `key`: whoever may write that key may write this one. */
function keyBeside(key: string, name: string): string {
  const folder = key.slice(0, key.lastIndexOf('/') + 1)
  return folder.length + name.length <= MAX_KEY_BYTES ? `${folder}${name}` : name
}
