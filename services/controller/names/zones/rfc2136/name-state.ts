import { addressOf, CLASS, type DnsQuestion, type DnsRecord, type ReadMessage, TYPE, textOf } from './message.ts'

/** Stands before a name in the name of its marks, and before the base in that of the list of all names. */
const MARKS = '_shoal'

export const marksOf = (name: string): string => `${MARKS}.${name}`

/** What a name server has of one name. */
export interface NameState {
  readonly name: string
  readonly addresses: readonly DnsRecord[]
  /** At `_shoal.NAME`: whose the addresses are. At that of the base also which names somebody has. */
  readonly marks: readonly DnsRecord[]
}

/** `shoal:one 10.0.0.1`, or in the list of names `shoal:one c1.p2p.example.com`. */
export const markText = (mark: string, of: string): string => `${mark} ${of}`

export const hasMark = ({ marks }: NameState, text: string): boolean => marks.some(({ data }) => textOf(data) === text)

export const questionsOf = (name: string): readonly DnsQuestion[] => [
  { name, type: TYPE.A, class: CLASS.IN },
  { name: marksOf(name), type: TYPE.TXT, class: CLASS.IN },
]

/** Of the answers to both questions. What an alias leads to is of another name. */
export function stateOf(name: string, answers: readonly ReadMessage[]): NameState {
  const records = answers.flatMap((answer) => answer.answers)
  const of = ({ name: its, type, class: klass }: DnsQuestion) =>
    records.filter((record) => record.name === its && record.type === type && record.class === klass)
  const [addresses = [], marks = []] = questionsOf(name).map(of)
  return { name, addresses, marks }
}

/** The names that somebody with this mark has, by the list at the base. */
export const namesIn = ({ marks }: NameState, mark: string): readonly string[] =>
  marks.flatMap(({ data }) => {
    const [whose, of = ''] = textOf(data).split(' ')
    return whose === mark && !/^[\d.]+$/.test(of) ? [of] : []
  })

export const ownAddress = (state: NameState, mark: string, record: DnsRecord): boolean =>
  hasMark(state, markText(mark, addressOf(record.data)))
