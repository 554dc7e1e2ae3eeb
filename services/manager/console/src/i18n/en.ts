import { common } from './en/common.ts'
import { people } from './en/people.ts'
import { steer } from './en/steer.ts'
import { watch } from './en/watch.ts'

/** All texts in English. */
export const en = { ...common, ...watch, ...people, ...steer }
