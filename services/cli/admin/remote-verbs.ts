import { readFile } from 'node:fs/promises'
import type { BodyOf, buildIndexAdmin, HeldSet } from '../../../lib/api/index.ts'
import { appError, codeOf } from '../../../lib/base/index.ts'
import { ageText, fields, sizeText, spanText, table } from './sheet.ts'
import type { VerbOptions, VerbsOf } from './verb.ts'

const heldText = ({ by, manager, generation, count }: HeldSet) =>
  fields({ 'given by': by, manager: manager || '-', generation: String(generation), remotes: String(count) })

/** @throws CONFIG_INVALID */
async function setIn({ file }: VerbOptions): Promise<BodyOf<typeof buildIndexAdmin.giveRemotes>> {
  if (file === undefined) throw appError('CONFIG_INVALID', { message: 'say which remotes: --file PATH' })
  try {
    return JSON.parse(await readFile(file, 'utf8')) as BodyOf<typeof buildIndexAdmin.giveRemotes>
  } catch (err) {
    const why = codeOf(err) ?? 'it is not JSON'
    throw appError('CONFIG_INVALID', { message: `${file} cannot be read as a set of remotes: ${why}`, cause: err })
  }
}

type RemoteVerbs = Pick<VerbsOf<typeof buildIndexAdmin>, 'remotes' | 'givenRemotes' | 'giveRemotes' | 'releaseRemotes'>

/** `shoal admin build-index VERB` about the clusters that tags are replicated to. */
export const remoteVerbs: RemoteVerbs = {
  remotes: {
    example: 'remotes',
    show: ({ cluster, shards, remotes, webhooks }, nowMs) =>
      [
        fields({ cluster, 'shards here': shards.join(', ') || '-' }),
        table(remotes, [
          ['REMOTE', ({ name }) => name],
          ['FROM', ({ from }) => from],
          ['CLUSTER', (remote) => remote.cluster ?? '-'],
          ['STATE', ({ reachable, lastError }) => (reachable ? 'answers' : (lastError ?? 'does not answer'))],
          ['OPENS', ({ opensInMs }) => (opensInMs === 0 ? 'open' : `in ${spanText(opensInMs)}`)],
          ['RATE', ({ bytesPerSecond }) => (bytesPerSecond === undefined ? '-' : `${sizeText(bytesPerSecond)}/s`)],
          ['SIGNATURES', ({ signatures }) => (signatures ? 'yes' : 'no')],
          ['DELETES', ({ deletes }) => (deletes ? 'yes' : 'no')],
        ]),
        table(
          remotes.flatMap(({ name, rules }) => rules.map((rule) => ({ name, ...rule }))),
          [
            ['RULE OF', ({ name }) => name],
            ['REPOSITORY', ({ repository }) => repository],
            ['TAG', ({ tag }) => tag],
            ['OLDER TAGS', ({ looked, fitting }) => `${fitting} of ${looked} fit`],
            ['AT', ({ at, doneAtMs }) => (doneAtMs === undefined ? (at ?? '-') : `done ${ageText(doneAtMs, nowMs)}`)],
          ],
        ),
        table(
          webhooks.flatMap(({ name, origin, events, rules }) =>
            rules.map((rule) => ({ name, origin, events, ...rule })),
          ),
          [
            ['WEBHOOK', ({ name }) => name],
            ['AT', ({ origin }) => origin],
            ['EVENTS', ({ events }) => events.join(', ')],
            ['REPOSITORY', ({ repository }) => repository],
            ['TAG', ({ tag }) => tag],
          ],
        ),
      ].join('\n\n'),
  },
  givenRemotes: {
    example: 'given-remotes',
    show: ({ remotes, ...held }) =>
      [
        heldText(held),
        table(
          remotes.flatMap(({ rules, ...remote }) => rules.map((rule) => ({ ...remote, ...rule }))),
          [
            ['REMOTE', ({ name }) => name],
            ['FROM', ({ from }) => from],
            ['SECRET', ({ secret }) => (secret ? 'yes' : 'no')],
            ['AT', ({ urls }) => urls.join(', ')],
            ['REPOSITORY', ({ repository }) => repository],
            ['TAG', ({ tag }) => tag],
          ],
        ),
      ].join('\n\n'),
  },
  giveRemotes: {
    example: 'give-remotes --file remotes.json',
    note: 'For a cluster without a manager; what a manager holds is changed there.',
    options: { file: 'the set as JSON: manager, generation and remotes' },
    body: setIn,
    show: heldText,
  },
  releaseRemotes: {
    example: 'release-remotes',
    note: 'A manager that this cluster has joined gives them again.',
    show: heldText,
  },
}
