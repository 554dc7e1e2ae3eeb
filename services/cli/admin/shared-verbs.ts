import type { ringCalls } from '../../../lib/api/index.ts'
import { table } from './sheet.ts'
import type { VerbsOf } from './verb.ts'

/** `shoal admin SERVICE VERB` for the calls that the services share. */
export const ringVerbs: VerbsOf<typeof ringCalls> = {
  rings: {
    example: 'rings',
    show: ({ rings }) =>
      rings
        .map(({ name, members }) =>
          table(members, [
            [name.toUpperCase(), ({ id }) => id],
            ['URL', ({ url }) => url],
            ['STATE', ({ healthy }) => (healthy ? 'answers' : 'left out')],
          ]),
        )
        .join('\n\n'),
  },
  owners: {
    example: `owners origins --key sha256:${'9f'.repeat(32)}`,
    show: ({ owners, order }) => `owners: ${owners.join(', ')}\nasked in this order: ${order.join(', ')}`,
  },
}

/** `shoal admin SERVICE open-api`. */
export const describeVerb = {
  openApi: { example: 'open-api', show: (document: unknown) => JSON.stringify(document, null, 2) },
} as const
