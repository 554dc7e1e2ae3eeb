import type { ringCalls, SettingsAnswer } from '../../../lib/api/index.ts'
import { fields, table } from './sheet.ts'
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

const valueText = (value: unknown) => (value === null ? '-' : typeof value === 'string' ? value : JSON.stringify(value))

/** Of every service that takes settings from trackers. */
export const settingsVerbs = {
  settings: {
    example: 'settings',
    note: 'Sizes are in bytes, rates in bytes per second; - stands for no limit.',
    show: ({ manager, generation, state, code, message, health, settings }: SettingsAnswer) =>
      [
        fields({
          manager: manager || '-',
          generation: String(generation),
          state: code === undefined ? state : `${state}: ${message ?? code}`,
          'pulls since': `${health.done} done, ${health.failed} failed, of them ${health.stalled} stalled`,
        }),
        table(settings, [
          ['KEY', ({ key }) => key],
          ['FILE', ({ file }) => valueText(file)],
          ['LIVE', ({ live }) => valueText(live)],
          ['BY', ({ by }) => by],
        ]),
      ].join('\n\n'),
  },
}
