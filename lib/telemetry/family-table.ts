import { appError } from '../base/index.ts'

type Kind = 'counter' | 'gauge' | 'histogram'

interface Row {
  readonly kind: Kind
  readonly labels: string
  readonly family: unknown
}

/** The metric families of one registry by name; asking twice for a name gives the same family. */
export interface FamilyTable {
  /** @throws UNKNOWN when the name already has another kind or other labels; this is a bug in the program */
  get<F>(kind: Kind, name: string, labels: readonly string[], make: () => F): F
}

export function familyTable(): FamilyTable {
  const rows = new Map<string, Row>()
  return {
    get<F>(kind: Kind, name: string, labelNames: readonly string[], make: () => F): F {
      const labels = [...labelNames].sort().join()
      const known = rows.get(name)
      if (known === undefined) {
        const family = make()
        rows.set(name, { kind, labels, family })
        return family
      }
      if (known.kind !== kind || known.labels !== labels) {
        throw appError('UNKNOWN', {
          message: `the metric ${name} is already a ${known.kind} with labels (${known.labels})`,
        })
      }
      return known.family as F
    },
  }
}
