import { appError } from '../../../lib/base/index.ts'
import { type Grant, parseGrant } from '../../../lib/identity/index.ts'
import type { VerbOptions } from './verb.ts'

/** Of the options below. */
export const GRANTS =
  'what he may do: patterns of repositories with actions, and spaces between them, like "team/*=pull,push"'

/** `team/*=pull,push lib/*=pull`. @throws CONFIG_INVALID */
export function registryGrantsIn({ grants }: VerbOptions): readonly Grant[] {
  if (grants === undefined) throw appError('CONFIG_INVALID', { message: 'say what he may do: --grants "team/*=pull"' })
  return grants
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(parseGrant)
}

export const registryGrantsText = (grants: readonly Grant[]): string =>
  grants.map(({ repositories, actions }) => `${repositories.join('|')}=${actions.join(',')}`).join(' ') || '-'
