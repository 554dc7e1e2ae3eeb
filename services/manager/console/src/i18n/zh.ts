import type { en } from './en.ts'
import { common } from './zh/common.ts'
import { people } from './zh/people.ts'
import { pulls } from './zh/pulls.ts'
import { registry } from './zh/registry.ts'
import { relations } from './zh/relations.ts'
import { steer } from './zh/steer.ts'
import { watch } from './zh/watch.ts'
import { work } from './zh/work.ts'

/** All texts in Chinese. */
export const zh: Readonly<Record<keyof typeof en, string>> = {
  ...common,
  ...watch,
  ...people,
  ...pulls,
  ...work,
  ...steer,
  ...registry,
  ...relations,
}
