import type { AnswerOf, managerApi } from '../../../lib/api/index.ts'
import { appError, systemClock } from '../../../lib/base/index.ts'
import { numberIn } from './options.ts'
import { GRANTS, registryGrantsIn, registryGrantsText } from './registry-grants.ts'
import { ageText, fields, table } from './sheet.ts'
import type { VerbOptions, VerbsOf } from './verb.ts'

type Calls = Pick<
  typeof managerApi,
  | 'registryUsers'
  | 'registryUser'
  | 'createRegistryUser'
  | 'changeRegistryUser'
  | 'rotateRegistryUser'
  | 'removeRegistryUser'
  | 'registryProxies'
>
type User = AnswerOf<Calls['registryUser']>

const DAY_MS = 86_400_000
const ALL = 'all'

const endText = ({ expiresAtMs }: User, nowMs: number) =>
  expiresAtMs === undefined ? 'never' : ageText(expiresAtMs, nowMs)

const userText = (user: User, nowMs: number) =>
  fields({
    ...{ name: user.name, kind: user.kind, state: user.disabled ? 'disabled' : 'enabled' },
    ...{ may: registryGrantsText(user.grants), clusters: user.clusters?.join(', ') ?? ALL },
    ...{ ends: endText(user, nowMs), secret: `from ${ageText(user.rotatedAtMs, nowMs)}`, note: user.note || '-' },
  })

const shownText = ({ secret, kept }: { readonly secret: string; readonly kept: User }, nowMs: number) =>
  `${userText(kept, nowMs)}\n\n${secret}`

/** Of an option that says in how many days something ends. @throws CONFIG_INVALID */
function endIn(options: VerbOptions): number | undefined {
  const days = numberIn(options, 'days')
  return days === undefined ? undefined : Math.round(systemClock().now() + days * DAY_MS)
}

const namesIn = (given: string) => given.split(',').filter((word) => word !== '')

/** @throws CONFIG_INVALID */
function isDisabled({ disabled }: VerbOptions): boolean | undefined {
  if (disabled === undefined || disabled === 'yes' || disabled === 'no') return disabled && disabled === 'yes'
  throw appError('CONFIG_INVALID', { message: '--disabled is yes or no' })
}

/** @throws CONFIG_INVALID */
function kindIn({ kind = 'user' }: VerbOptions): 'user' | 'token' {
  if (kind === 'user' || kind === 'token') return kind
  throw appError('CONFIG_INVALID', { message: '--kind is user or token' })
}

/** @throws CONFIG_INVALID */
function requiredName({ name }: VerbOptions): string {
  if (name === undefined) throw appError('CONFIG_INVALID', { message: 'say which: --name TEXT' })
  return name
}

const clusterOption = { clusters: 'names or ids with commas between them, or all' }
const shared = { grants: GRANTS, ...clusterOption, days: 'how long it is good; default for ever', note: 'for people' }

export const managerRegistryVerbs: VerbsOf<Calls> = {
  registryUsers: {
    example: 'registry-users',
    show: ({ users, next }, nowMs) =>
      table(users, [
        ['NAME', ({ name }) => name],
        ['KIND', ({ kind }) => kind],
        ['STATE', ({ disabled }) => (disabled ? 'disabled' : 'enabled')],
        ['CLUSTERS', ({ clusters }) => clusters?.join(',') ?? ALL],
        ['ENDS', (user) => endText(user, nowMs)],
        ['MAY', ({ grants }) => registryGrantsText(grants)],
      ]) + (next === undefined ? '' : `\n\nmore: --last ${next}`),
  },
  registryUser: { example: 'registry-user ann', show: userText },
  createRegistryUser: {
    example: 'create-registry-user --name ann --grants team/*=pull,push',
    note: 'The secret is shown this once: the password of a user, or of any name for a token.',
    options: {
      name: 'lower-case letters, digits, ".", "_", "@" and "-"',
      kind: 'user, the default, or token',
      ...shared,
    },
    body(options) {
      const { clusters = ALL, note } = options
      const expiresAtMs = endIn(options)
      return {
        ...{ name: requiredName(options), kind: kindIn(options), grants: [...registryGrantsIn(options)] },
        ...(clusters !== ALL && { clusters: namesIn(clusters) }),
        ...(expiresAtMs !== undefined && { expiresAtMs }),
        ...(note !== undefined && { note }),
      }
    },
    show: shownText,
  },
  changeRegistryUser: {
    example: 'change-registry-user ann --disabled yes',
    note: 'What is given replaces what was; a user who is disabled is refused at once.',
    options: { ...shared, disabled: 'yes or no' },
    body(options) {
      const { clusters, note } = options
      const [disabled, expiresAtMs] = [isDisabled(options), endIn(options)]
      return {
        ...(options['grants'] !== undefined && { grants: [...registryGrantsIn(options)] }),
        ...(disabled !== undefined && { disabled }),
        ...(clusters !== undefined && { clusters: clusters === ALL ? null : namesIn(clusters) }),
        ...(expiresAtMs !== undefined && { expiresAtMs }),
        ...(note !== undefined && { note }),
      }
    },
    show: userText,
  },
  rotateRegistryUser: {
    example: 'rotate-registry-user ann',
    note: 'The new secret is shown this once; the one before is refused at once.',
    show: shownText,
  },
  removeRegistryUser: { example: 'remove-registry-user ann' },
  registryProxies: {
    example: 'registry-proxies',
    show: ({ applied, of, generation, proxies }) =>
      [
        `generation ${generation}: applied by ${applied} of ${of}`,
        table(proxies, [
          ['CLUSTER', ({ cluster }) => cluster],
          ['PROXY', ({ proxy }) => proxy],
          ['STATE', ({ state }) => state],
          ['HAS', (row) => String(row.generation ?? '-')],
          ['WHY', ({ code, manager }) => code ?? (manager === undefined ? '' : `those of ${manager}`)],
        ]),
      ].join('\n\n'),
  },
}
