import { expect } from '@jest/globals'
import fc from 'fast-check'
import { type Digest, digestOf } from '../../../lib/core/index.ts'
import type { MemoryListener, RawAnswer, RawRequest } from '../../kit/memory-listener.ts'

const REPOSITORIES = ['team/a', 'team/b'] as const

const pick = fc.nat(1000)
const step = fc.record({
  kind: fc.constantFrom(
    ...(['open', 'patch', 'patch', 'patch', 'close', 'close', 'status', 'cancel', 'whole', 'mount'] as const),
    ...(['read', 'unlink', 'forge', 'cut', 'race'] as const),
  ),
  /** Which repository, session, Location and blob it is about. */
  repository: fc.nat(1),
  session: pick,
  location: pick,
  blob: pick,
  /** Bytes of the body. */
  length: fc.nat(60),
  chunked: fc.boolean(),
  range: fc.constantFrom('none', 'none', 'right', 'right', 'gap', 'overlap', 'malformed', 'lie'),
  digest: fc.constantFrom('right', 'right', 'right', 'wrong', 'malformed', 'missing'),
  algorithm: fc.constantFrom('sha256' as const, 'sha512' as const),
  from: fc.constantFrom('other', 'other', 'same', 'none', 'none', 'unknown', 'malformed'),
})

export type UploadStep = typeof step extends fc.Arbitrary<infer T> ? T : never
export const uploadSteps = fc.array(step, { minLength: 1, maxLength: 16 })

interface Session {
  readonly repository: string
  bytes: Buffer
  lives: boolean
  /** All Locations that it was given, with the size for which each was signed. */
  readonly locations: { readonly url: string; readonly size: number }[]
}

/** A registry and what it must have and answer; each step is done at both, and the answers are compared. */
export class UploadModel {
  readonly #registry: MemoryListener
  readonly #sessions: Session[] = []
  /** Digests and bytes of all blobs that were ever pushed. */
  readonly #blobs: { readonly digest: Digest; readonly bytes: Buffer }[] = []
  /** `repository digest` */
  readonly #links = new Set<string>()
  #made = 0

  constructor(registry: MemoryListener) {
    this.#registry = registry
  }

  async does(one: UploadStep): Promise<void> {
    const session = this.#sessions[one.session % Math.max(1, this.#sessions.length)]
    const blob = this.#blobs[one.blob % Math.max(1, this.#blobs.length)]
    switch (one.kind) {
      case 'open':
        return this.#open(one)
      case 'whole':
        return this.#whole(one)
      case 'mount':
      case 'read':
      case 'unlink':
        return blob && this.#ofBlob(one, blob)
      default:
        return session && this.#ofSession(one, session)
    }
  }

  async #ofSession(one: UploadStep, session: Session): Promise<void> {
    const { url } = this.#locationOf(one, session)
    switch (one.kind) {
      case 'patch':
        return this.#patch(one, session)
      case 'close':
        return this.#close(one, session)
      case 'cut':
        return this.#cut(one, session)
      case 'race':
        return this.#race(one, session)
      case 'forge': {
        const at = url.indexOf('_state=') + 7 + (one.blob % 40)
        const forged = url.slice(0, at) + (url[at] === 'x' ? 'y' : 'x') + url.slice(at + 1)
        this.#is(await this.#send({ method: 'PATCH', target: forged, body: Buffer.from('x') }), 404)
        return
      }
      case 'cancel': {
        this.#is(await this.#send({ method: 'DELETE', target: url }), session.lives ? 204 : 404)
        session.lives = false
        return
      }
      default:
        return this.#status(one, session)
    }
  }

  async #send(request: RawRequest): Promise<RawAnswer> {
    const answer = await this.#registry.send(request)
    if (answer === undefined) throw new Error(`no answer: ${JSON.stringify(request)}`)
    return answer
  }

  #is({ status, body }: RawAnswer, ...wanted: readonly number[]): void {
    expect([wanted.includes(status), status, status < 300 ? '' : body.toString()]).toEqual([
      true,
      status,
      expect.anything(),
    ])
  }

  /** Bytes that no other body has. */
  #body(length: number): Buffer {
    this.#made += 1
    return Buffer.from(`${this.#made} `.repeat(60).slice(0, length))
  }

  #locationOf(one: UploadStep, { locations }: Session) {
    // Mostly the latest.
    const at = one.location % 3 === 0 ? one.location % locations.length : locations.length - 1
    return locations[at] as Session['locations'][number]
  }

  /** The answer says where the session stands. */
  #stands(session: Session, { headers }: RawAnswer): void {
    const { length } = session.bytes
    expect(headers['range']).toBe(`0-${Math.max(0, length - 1)}`)
    session.locations.push({ url: headers['location'] ?? '', size: length })
  }

  async #open({ repository }: UploadStep): Promise<void> {
    const target = `/v2/${REPOSITORIES[repository]}/blobs/uploads/`
    this.#opened(repository, await this.#send({ method: 'POST', target }))
  }

  #opened(repository: number, answer: RawAnswer): void {
    this.#is(answer, 202)
    const session = { repository: REPOSITORIES[repository] ?? '', bytes: Buffer.alloc(0), lives: true, locations: [] }
    this.#stands(session, answer)
    this.#sessions.push(session)
  }

  /** The header of a body at some offset, and the statuses that the offset alone allows; undefined: it fits. */
  #offset(one: UploadStep, session: Session, body: Buffer, signedSize: number) {
    const size = session.bytes.length
    const at = (start: number, length = body.length) => `${start}-${start + length - 1}`
    switch (one.range) {
      case 'right':
        return body.length === 0
          ? { refused: signedSize === size ? undefined : 416 }
          : { header: at(size), refused: undefined }
      case 'gap':
        return {
          header: at(size + 1 + (one.blob % 5), Math.max(1, body.length)),
          refused: body.length === 0 && !one.chunked ? 400 : 416,
        }
      case 'overlap':
        if (size === 0 || body.length === 0) return { refused: signedSize === size ? undefined : 416 }
        return { header: at(one.blob % size), refused: 416 }
      case 'malformed':
        return { header: ['x', '5', '9-1', '-3', '0-1,2-3'][one.blob % 5], refused: 416 }
      case 'lie':
        return { header: at(size, body.length + 1), refused: 400 }
      default:
        return { refused: signedSize === size ? undefined : 416 }
    }
  }

  async #patch(one: UploadStep, session: Session): Promise<void> {
    const { url, size: signedSize } = this.#locationOf(one, session)
    const body = this.#body(one.length)
    const { header, refused } = this.#offset(one, session, body, signedSize)
    const headers = header === undefined ? [] : [['content-range', header] as const]
    const answer = await this.#send({ method: 'PATCH', target: url, headers, body, chunked: one.chunked })
    if (!session.lives) {
      this.#is(answer, 404, 416, 400)
      return
    }
    await this.#took(one, session, { answer, body, refused, success: 202 })
    if (refused === undefined) this.#stands(session, answer)
  }

  /** What has become of the bytes that were sent. */
  async #took(
    one: UploadStep,
    session: Session,
    sent: {
      readonly answer: RawAnswer
      readonly body: Buffer
      readonly refused: number | undefined
      readonly success: number
    },
  ): Promise<void> {
    const { answer, body, refused, success } = sent
    this.#is(answer, refused ?? success)
    if (refused === undefined) session.bytes = Buffer.concat([session.bytes, body])
    // What came of a stream before its length was found to be wrong may stay.
    else if (one.range === 'lie' && one.chunked) await this.#mayHave(session, body)
    if (answer.status === 416 && answer.headers['location'] !== undefined) this.#stands(session, answer)
  }

  /** The session has all that it had, and some of the body, from its first byte on. */
  async #mayHave(session: Session, body: Buffer): Promise<void> {
    await this.#registry.idle()
    const latest = session.locations.at(-1)?.url ?? ''
    const answer = await this.#send({ method: 'GET', target: latest })
    this.#is(answer, 204)
    const last = Number(/^0-(\d+)$/.exec(answer.headers['range'] ?? '')?.[1])
    const before = session.bytes.length
    const whole = Buffer.concat([session.bytes, body])
    expect(last).toBeLessThanOrEqual(Math.max(0, whole.length - 1))
    if (last === 0 && whole.length > before && before === 0) {
      // `0-0` is said of no byte and of one.
      this.#is(await this.#send({ method: 'DELETE', target: latest }), 204)
      session.lives = false
      return
    }
    const size = last === 0 ? before : last + 1
    expect(size).toBeGreaterThanOrEqual(before)
    session.bytes = whole.subarray(0, size)
    session.locations.push({ url: answer.headers['location'] ?? '', size })
  }

  async #close(one: UploadStep, session: Session): Promise<void> {
    const { url, size: signedSize } = this.#locationOf(one, session)
    const body = this.#body(one.length)
    const whole = Buffer.concat([session.bytes, body])
    const digest = this.#digest(one, whole)
    const { header, refused } =
      body.length === 0 && !one.chunked
        ? { header: undefined, refused: undefined }
        : this.#offset(one, session, body, signedSize)
    const headers = header === undefined ? [] : [['content-range', header] as const]
    const target = digest === undefined ? url : `${url}&digest=${encodeURIComponent(digest)}`
    const answer = await this.#send({ method: 'PUT', target, headers, body, chunked: one.chunked })
    if (!session.lives) {
      this.#is(answer, 404, 416, 400)
      return
    }
    if (one.digest === 'malformed' || one.digest === 'missing') {
      this.#is(answer, 400)
      return
    }
    const isRight = one.digest === 'right'
    await this.#took(one, session, { answer, body, refused, success: isRight ? 201 : 400 })
    if (refused !== undefined || !isRight) return
    session.lives = false
    this.#pushed(session.repository, digest as Digest, whole, answer)
  }

  #digest({ digest, algorithm }: UploadStep, bytes: Buffer): string | undefined {
    if (digest === 'right') return digestOf(bytes, algorithm)
    if (digest === 'wrong') return digestOf(Buffer.concat([bytes, Buffer.from('!')]), algorithm)
    return digest === 'malformed' ? 'sha256:baddigest' : undefined
  }

  #pushed(repository: string, digest: Digest, bytes: Buffer, { headers }: RawAnswer): void {
    expect(headers['location']).toBe(`/v2/${repository}/blobs/${digest}`)
    expect(headers['docker-content-digest']).toBe(digest)
    this.#blobs.push({ digest, bytes })
    this.#links.add(`${repository} ${digest}`)
  }

  async #status(one: UploadStep, session: Session): Promise<void> {
    const answer = await this.#send({ method: 'GET', target: this.#locationOf(one, session).url })
    this.#is(answer, session.lives ? 204 : 404)
    if (session.lives) this.#stands(session, answer)
  }

  /** The client goes in the middle of its body. */
  async #cut(one: UploadStep, session: Session): Promise<void> {
    const { url, size } = this.#locationOf(one, session)
    const body = this.#body(one.length + 1)
    await this.#registry.send({ method: 'PATCH', target: url, body, chunked: one.chunked, cutAfter: one.length })
    await this.#registry.idle()
    if (session.lives)
      await this.#mayHave(session, size === session.bytes.length ? body.subarray(0, one.length) : Buffer.alloc(0))
  }

  /** Of two that send the same bytes at the same moment, one is told that it comes too late. */
  async #race(one: UploadStep, session: Session): Promise<void> {
    const { url, size } = session.locations.at(-1) as Session['locations'][number]
    const body = this.#body(one.length + 1)
    if (!session.lives || size !== session.bytes.length) return
    const request = { method: 'PATCH', target: url, body, chunked: one.chunked }
    const answers = await Promise.all([this.#send(request), this.#send(request)])
    const [first, second] = answers.toSorted((a, b) => a.status - b.status) as [RawAnswer, RawAnswer]
    this.#is(first, 202)
    this.#is(second, 409, 416)
    session.bytes = Buffer.concat([session.bytes, body])
    this.#stands(session, first)
  }

  async #whole(one: UploadStep): Promise<void> {
    const body = this.#body(one.length)
    const repository = REPOSITORIES[one.repository] ?? ''
    const digest = this.#digest(one, body) ?? ''
    const target = `/v2/${repository}/blobs/uploads/?digest=${encodeURIComponent(digest)}`
    const answer = await this.#send({ method: 'POST', target, body, chunked: one.chunked })
    this.#is(answer, one.digest === 'right' ? 201 : 400)
    if (one.digest === 'right') this.#pushed(repository, digest as Digest, body, answer)
  }

  async #ofBlob(
    one: UploadStep,
    { digest, bytes }: { readonly digest: Digest; readonly bytes: Buffer },
  ): Promise<void> {
    const repository = REPOSITORIES[one.repository] ?? ''
    const key = `${repository} ${digest}`
    const target = `/v2/${repository}/blobs/${digest}`
    const isLinked = this.#links.has(key)
    if (one.kind === 'mount') return this.#mount(one, digest)
    if (one.kind === 'unlink') {
      this.#links.delete(key)
      this.#is(await this.#send({ method: 'DELETE', target }), isLinked ? 202 : 404)
      return
    }
    const answer = await this.#send({ method: 'GET', target })
    this.#is(answer, isLinked ? 200 : 404)
    if (isLinked) expect(answer.body.equals(bytes)).toBe(true)
  }

  async #mount(one: UploadStep, digest: Digest): Promise<void> {
    const [to = REPOSITORIES[0], other = REPOSITORIES[1]] =
      one.repository === 0 ? REPOSITORIES : REPOSITORIES.toReversed()
    const sources: Readonly<Record<UploadStep['from'], string>> = {
      ...{ other, same: to, none: '', unknown: 'team/unknown', malformed: 'A/..' },
    }
    const from = one.from === 'none' ? '' : `&from=${encodeURIComponent(sources[one.from])}`
    const links = REPOSITORIES.filter((each) => this.#links.has(`${each} ${digest}`))
    const isMounted = one.from === 'none' ? links.length > 0 : one.from === 'other' && links.includes(other)
    const answer = await this.#send({ method: 'POST', target: `/v2/${to}/blobs/uploads/?mount=${digest}${from}` })
    if (!isMounted) {
      this.#opened(one.repository, answer)
      return
    }
    this.#is(answer, 201)
    this.#links.add(`${to} ${digest}`)
  }
}
