import { common } from './en/common.ts'
import { people } from './en/people.ts'
import { pulls } from './en/pulls.ts'
import { registry } from './en/registry.ts'
import { relations } from './en/relations.ts'
import { steer } from './en/steer.ts'
import { watch } from './en/watch.ts'
import { work } from './en/work.ts'

/** All texts in English. */
export const en = { ...common, ...watch, ...people, ...pulls, ...work, ...steer, ...registry, ...relations }
