import type { en } from './en.ts'
import { common } from './zh/common.ts'
import { people } from './zh/people.ts'
import { steer } from './zh/steer.ts'
import { watch } from './zh/watch.ts'

/** All texts in Chinese. */
export const zh: Readonly<Record<keyof typeof en, string>> = { ...common, ...watch, ...people, ...steer }
