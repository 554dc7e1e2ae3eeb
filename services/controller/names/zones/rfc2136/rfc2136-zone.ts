import { type AbortOptions, type AppError, appError } from '../../../../../lib/base/index.ts'
import type { FoundRecord, WantedRecord } from '../../rules/plan.ts'
import type { Zone } from '../../zone.ts'
import { addressOf, codeOf, FLAG, type ReadMessage } from './message.ts'
import type { NameServer } from './name-server.ts'
import { type NameState, namesIn, ownAddress, questionsOf, stateOf } from './name-state.ts'
import { isShared, type OwnAddresses, updateOf } from './update.ts'

export interface Rfc2136Init {
  /** The zone that the name server has: `p2p.example.com`. */
  readonly zone: string
  /** The name of all caches, in that zone; the list of all our names stands at `_shoal` below it. */
  readonly base: string
  /** Whose records they are. */
  readonly mark: string
}

/** Tries of an update whose zone has changed between the read and the write. */
const MAX_TRIES = 4
const CODE = {
  none: 0,
  noName: 3,
  nameThere: 6,
  setThere: 7,
  setNotThere: 8,
  refused: 5,
  failed: 2,
  notAuth: 9,
} as const
const CHANGED: readonly number[] = [CODE.noName, CODE.nameThere, CODE.setThere, CODE.setNotThere]

/**
 * A name server that takes dynamic updates (RFC 2136), signed with a key (RFC 8945): bind, Knot, PowerDNS. Whose an address
 * is says a record of the type TXT beside its name. Address and mark change in one update, under the condition that nothing
 * of the name has changed since it was read.
 */
export function rfc2136Zone({ server }: { readonly server: NameServer }, init: Rfc2136Init): Zone {
  const zone = new UpdatedZone(server, init)
  return {
    read: (names, options = {}) => zone.read(names, options),
    put: (records, options = {}) => zone.put(records, options),
    remove: (records, options = {}) => zone.remove(records, options),
  }
}

type Own = (state: NameState, old: readonly string[]) => OwnAddresses

class UpdatedZone {
  readonly #server: NameServer
  readonly #init: Rfc2136Init

  constructor(server: NameServer, init: Rfc2136Init) {
    this.#server = server
    this.#init = init
  }

  async read(names: readonly string[], options: AbortOptions): Promise<readonly FoundRecord[]> {
    const { base, mark } = this.#init
    const [index] = await this.#states([base], options)
    const listed = index === undefined ? [] : namesIn(index, mark)
    const states = await this.#states([...new Set([base, ...names, ...listed])], options)
    return states.flatMap((state) => {
      const shown = state.addresses.map((record) => ({
        ...{ name: state.name, address: addressOf(record.data), own: ownAddress(state, mark, record) },
        ttl: isShared(state, mark) ? undefined : record.ttl,
      }))
      return shown.filter(({ own }) => own || names.includes(state.name))
    })
  }

  put(records: readonly WantedRecord[], options: AbortOptions): Promise<void> {
    const own: Own = (state, old) => {
      const here = records.filter(({ name }) => name === state.name)
      return { addresses: [...new Set([...old, ...here.map(({ address }) => address)])], ttl: here[0]?.ttl ?? 0 }
    }
    return this.#update(records, own, options)
  }

  remove(records: readonly FoundRecord[], options: AbortOptions): Promise<void> {
    const own: Own = (state, old) => {
      const going = records.filter(({ name }) => name === state.name).map(({ address }) => address)
      return { addresses: old.filter((address) => !going.includes(address)), ttl: state.addresses[0]?.ttl ?? 0 }
    }
    return this.#update(records, own, options)
  }

  /** All names at once; those that somebody has changed meanwhile again. */
  async #update(records: readonly { readonly name: string }[], own: Own, options: AbortOptions): Promise<void> {
    let names = [...new Set(records.map(({ name }) => name))]
    for (let tries = 1; names.length > 0; tries += 1) {
      const updates = await this.#updatesOf(names, own, options)
      if (updates.length === 0) return
      const answers = await this.#server.exchange(
        updates.map(({ update }) => update),
        options,
      )
      const failed = answers.filter((answer) => codeOf(answer) !== CODE.none)
      const final = failed.find((answer) => !CHANGED.includes(codeOf(answer)) || tries === MAX_TRIES)
      if (final !== undefined) throw failureOf(final)
      names = updates.flatMap(({ name }, at) => (failed.includes(answers[at] as ReadMessage) ? [name] : []))
    }
  }

  async #updatesOf(names: readonly string[], own: Own, options: AbortOptions) {
    const { base, mark } = this.#init
    const [index, ...rest] = await this.#states([base, ...names.filter((name) => name !== base)], options)
    if (index === undefined) return []
    return [index, ...rest].flatMap((state) => {
      if (!names.includes(state.name)) return []
      const old = state.addresses.filter((record) => ownAddress(state, mark, record))
      const change = {
        state,
        own: own(
          state,
          old.map(({ data }) => addressOf(data)),
        ),
      }
      const update = updateOf(change, index, this.#init)
      return update === undefined ? [] : [{ name: state.name, update }]
    })
  }

  /** In the order of the names. */
  async #states(names: readonly string[], options: AbortOptions): Promise<readonly NameState[]> {
    const asked = names.flatMap((name) => questionsOf(name).map((question) => ({ flags: 0, questions: [question] })))
    const answers = await this.#server.exchange(asked, options)
    for (const answer of answers) {
      if (codeOf(answer) !== CODE.none && codeOf(answer) !== CODE.noName) throw failureOf(answer)
      if ((answer.flags & FLAG.authoritative) === 0)
        throw appError('ZONE_REFUSED', { message: `the name server does not have the zone ${this.#init.zone}` })
    }
    return names.map((name, at) => stateOf(name, answers.slice(at * 2, at * 2 + 2)))
  }
}

function failureOf(answer: ReadMessage): AppError {
  const code = codeOf(answer)
  const init = { message: `the name server answers with code ${code}`, detail: { reason: code } }
  if (code === CODE.failed) return appError('ZONE_UNAVAILABLE', init)
  if (code === CODE.refused) return appError('ZONE_DENIED', init)
  return appError(CHANGED.includes(code) ? 'ZONE_UNAVAILABLE' : 'ZONE_REFUSED', init)
}
