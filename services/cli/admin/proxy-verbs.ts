import { readFile } from 'node:fs/promises'
import type { BodyOf, HeldSet, proxyAdmin } from '../../../lib/api/index.ts'
import { appError, codeOf } from '../../../lib/base/index.ts'
import { registryGrantsText } from './registry-grants.ts'
import { describeVerb, ringVerbs } from './shared-verbs.ts'
import { ageText, fields, table } from './sheet.ts'
import type { VerbOptions, VerbsOf } from './verb.ts'

const heldText = ({ by, manager, generation, count }: HeldSet) =>
  fields({ 'given by': by, manager: manager || '-', generation: String(generation), users: String(count) })

/** @throws CONFIG_INVALID */
async function setIn({ file }: VerbOptions): Promise<BodyOf<typeof proxyAdmin.giveRegistryUsers>> {
  if (file === undefined) throw appError('CONFIG_INVALID', { message: 'say which users: --file PATH' })
  try {
    return JSON.parse(await readFile(file, 'utf8')) as BodyOf<typeof proxyAdmin.giveRegistryUsers>
  } catch (err) {
    const why = codeOf(err) ?? 'it is not JSON'
    throw appError('CONFIG_INVALID', { message: `${file} cannot be read as a set of users: ${why}`, cause: err })
  }
}

export const proxyVerbs: VerbsOf<typeof proxyAdmin> = {
  ...ringVerbs,
  registryUsers: {
    example: 'registry-users',
    show: ({ users, next, ...held }, nowMs) =>
      [
        heldText(held),
        table(users, [
          ['NAME', ({ name }) => name],
          ['KIND', ({ kind }) => kind],
          ['STATE', ({ disabled }) => (disabled ? 'disabled' : 'enabled')],
          ['ENDS', ({ expiresAtMs }) => (expiresAtMs === undefined ? 'never' : ageText(expiresAtMs, nowMs))],
          ['MAY', ({ grants }) => registryGrantsText(grants)],
        ]),
      ].join('\n\n') + (next === undefined ? '' : `\n\nmore: --last ${next}`),
  },
  giveRegistryUsers: {
    example: 'give-registry-users --file users.json',
    note: 'For a registry without a manager; what a manager holds is changed there.',
    options: { file: 'the set as JSON: manager, generation and users' },
    body: setIn,
    show: heldText,
  },
  releaseRegistryUsers: {
    example: 'release-registry-users',
    note: 'A manager that this proxy has joined gives them again.',
    show: heldText,
  },
  ...describeVerb,
}
