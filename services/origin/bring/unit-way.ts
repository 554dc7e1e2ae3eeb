import type { ObjectStat } from '../../../lib/backend/index.ts'
import type { PlannedRun, PlanRules } from './ingest-plan.ts'

/** What a backend says of reads in units. */
export type BackendUnits = Pick<ObjectStat, 'unitBytes' | 'runBytes' | 'isUnproven'>

/** After somebody has read here and there, so many units are read one by one before runs grow again. */
const WARY_UNITS = 8

/** In which units one blob is read, as far as its readers and the answers of the backend have shown. */
export interface UnitWay {
  /**
   * The longest units and runs now. While readers read here and there, a long run would only make them wait: what they ask
   * for next may lie at its end.
   */
  readonly lengths: Pick<PlanRules, 'unitBytes' | 'runBytes'>
  /** One read at a time: it is read front to back, or nobody knows yet whether it has to be. */
  readonly isSingle: boolean
  /** What is being read is the whole blob. */
  readonly isWhole: boolean
  /** A run begins. */
  begun(run: Pick<PlannedRun, 'isAsked' | 'isApart'>): void
  /** The backend has answered with a range. */
  proven(): void
  /** The backend has ignored a range: from now on the blob is read front to back. */
  ignored(): void
}

class ShownWay implements UnitWay {
  #units: BackendUnits
  #wary = 0
  isWhole = false

  constructor(units: BackendUnits) {
    this.#units = units
  }

  get lengths() {
    const { unitBytes = Number.POSITIVE_INFINITY, runBytes = unitBytes } = this.#units
    return { unitBytes, runBytes: this.#wary > 0 ? unitBytes : runBytes }
  }

  get isSingle() {
    return this.#units.unitBytes === undefined || this.#units.isUnproven === true
  }

  begun({ isAsked, isApart }: Pick<PlannedRun, 'isAsked' | 'isApart'>): void {
    if (isAsked) this.#wary = isApart ? WARY_UNITS : Math.max(0, this.#wary - 1)
  }

  proven(): void {
    this.#units = { ...this.#units, isUnproven: false }
  }

  ignored(): void {
    this.#units = {}
    this.isWhole = true
  }
}

export function unitWay(units: BackendUnits): UnitWay {
  return new ShownWay(units)
}
