import { addressData, addressOf, CLASS, type DnsRecord, FLAG, TYPE, textData, textOf } from './message.ts'
import type { Unsent } from './name-server.ts'
import { hasMark, marksOf, markText, type NameState, ownAddress } from './name-state.ts'

/** The addresses with our mark that a name is to have; TTL in seconds. */
export interface OwnAddresses {
  readonly addresses: readonly string[]
  readonly ttl: number
}

export interface UpdateInit {
  readonly zone: string
  readonly base: string
  readonly mark: string
}

/** Of the marks: nobody but us reads them. */
const MARK_TTL = 30

export interface Change {
  readonly state: NameState
  readonly own: OwnAddresses
}

/**
 * One update of a name, as a whole or not at all: what is added and removed, and as its condition that the addresses and
 * marks of this name are still what they were when they were read. Undefined when there is nothing to change.
 */
export function updateOf(change: Change, index: NameState, init: UpdateInit): Unsent | undefined {
  const steps = [...stepsOf(change, init), ...listStep(change, { index, init })]
  if (steps.length === 0) return undefined
  return {
    flags: FLAG.update,
    questions: [{ name: init.zone, type: TYPE.SOA, class: CLASS.IN }],
    answers: conditionsOf(change.state),
    authorities: steps,
  }
}

/** RFC 2136, 2.4.2 and 2.4.3: the whole set with its values, or that there is none. */
const conditionsOf = ({ name, addresses, marks }: NameState): readonly DnsRecord[] => [
  ...conditionOf({ name, type: TYPE.A }, addresses),
  ...conditionOf({ name: marksOf(name), type: TYPE.TXT }, marks),
]

function conditionOf(of: Pick<DnsRecord, 'name' | 'type'>, found: readonly DnsRecord[]): readonly DnsRecord[] {
  if (found.length === 0) return [{ ...of, class: CLASS.NONE, ttl: 0, data: Buffer.alloc(0) }]
  return found.map(({ data }) => ({ ...of, class: CLASS.IN, ttl: 0, data }))
}

function stepsOf({ state, own: { addresses, ttl } }: Change, { mark }: UpdateInit): readonly DnsRecord[] {
  const { name } = state
  const shared = isShared(state, mark)
  const own = state.addresses.filter((record) => ownAddress(state, mark, record))
  const foreign = state.addresses
    .filter((record) => !ownAddress(state, mark, record))
    .map(({ data }) => addressOf(data))
  const wanted = addresses.filter((address) => !foreign.includes(address))
  const isOther = (record: DnsRecord) => !wanted.includes(addressOf(record.data)) || (!shared && record.ttl !== ttl)
  const going = own.filter(isOther)
  const kept = own.filter((record) => !isOther(record)).map(({ data }) => addressOf(data))
  const coming = wanted.filter((address) => !kept.includes(address))
  const setTtl = shared ? (state.addresses[0]?.ttl ?? ttl) : ttl
  const texts = new Set(wanted.map((address) => markText(mark, address)))
  // Also marks whose address somebody has removed: it would be ours when he puts it there again.
  const stale = state.marks.filter(({ data }) => isAddressMark(data, mark) && !texts.has(textOf(data)))
  const fresh = [...texts].filter((text) => !hasMark(state, text))
  return [
    ...going.map(({ data }) => removed({ name, type: TYPE.A, data })),
    ...coming.map((address) => added({ name, type: TYPE.A, data: addressData(address) }, setTtl)),
    ...stale.map(({ data }) => removed({ name: marksOf(name), type: TYPE.TXT, data })),
    ...fresh.map((text) => added({ name: marksOf(name), type: TYPE.TXT, data: textData(text) }, MARK_TTL)),
  ]
}

/** All addresses of a name have one TTL, so it is not ours to change where one of them is somebody else's. */
export const isShared = (state: NameState, mark: string): boolean =>
  state.addresses.some((record) => !ownAddress(state, mark, record))

const isAddressMark = (data: Buffer, mark: string): boolean => {
  const [whose, of = ''] = textOf(data).split(' ')
  return whose === mark && /^[\d.]+$/.test(of)
}

/** Whoever changes the list of names has changed the name, too, so that its conditions guard the list. */
function listStep(
  { state: { name }, own: { addresses } }: Change,
  { index, init: { mark, base } }: { readonly index: NameState; readonly init: UpdateInit },
): readonly DnsRecord[] {
  if (name === base) return []
  const text = markText(mark, name)
  const record = { name: marksOf(base), type: TYPE.TXT, data: textData(text) }
  if (addresses.length === 0) return hasMark(index, text) ? [removed(record)] : []
  return hasMark(index, text) ? [] : [added(record, MARK_TTL)]
}

type Bare = Pick<DnsRecord, 'name' | 'type' | 'data'>

const added = (record: Bare, ttl: number): DnsRecord => ({ ...record, class: CLASS.IN, ttl })
const removed = (record: Bare): DnsRecord => ({ ...record, class: CLASS.NONE, ttl: 0 })
