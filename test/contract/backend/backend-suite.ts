import { describe } from '@jest/globals'
import { abortRules } from './abort-rules.ts'
import { type BackendTraits, type BackendUnderTest, worldOfEach } from './backend-world.ts'
import { concurrentConditionRules, conditionRules } from './condition-rules.ts'
import {
  checkedConditionRules,
  contentRules,
  readOnlyRules,
  unlistedRules,
  unorderedListRules,
} from './limited-rules.ts'
import { listingRules } from './listing-rules.ts'
import { outcomeRules } from './outcome-rules.ts'
import { rangeRules, readingRules } from './reading-rules.ts'
import { replacingRules, writingRules } from './writing-rules.ts'

/**
 * What every driver promises. No test here may depend on how a driver works. `traits` names what a kind of backend
 * cannot do; for that the suite expects the documented error.
 */
export function backendSuite(name: string, make: () => Promise<BackendUnderTest>, traits: BackendTraits = {}): void {
  describe(`${name} as a backend`, () => {
    const world = worldOfEach(make, traits)
    const replaces = traits.writes !== false && traits.keyFor === undefined

    readingRules(world)
    outcomeRules(world)
    rangeRules(world)
    if (traits.writes === false) readOnlyRules(world)
    else {
      writingRules(world)
      abortRules(world)
    }
    if (replaces) {
      replacingRules(world)
      conditionRules(world)
      if (traits.conditions === 'checked') checkedConditionRules(world)
      else concurrentConditionRules(world)
    } else if (traits.writes !== false) contentRules(world)
    if (traits.lists === false) unlistedRules(world)
    else if (traits.lists === 'unordered') unorderedListRules(world)
    else listingRules(world)
  })
}
