import type { controllerAdmin } from '../../../lib/api/index.ts'
import { describeVerb } from './shared-verbs.ts'
import { ageText, fields, table } from './sheet.ts'
import type { VerbsOf } from './verb.ts'

export const controllerVerbs: VerbsOf<typeof controllerAdmin> = {
  leadership: {
    example: 'leadership',
    show({ access, lease, roles }, nowMs) {
      const state =
        lease === undefined
          ? fields({ cluster: access })
          : fields({
              cluster: access,
              lease: `${lease.namespace}/${lease.name}`,
              'this one': `${lease.identity}, ${lease.isLeading ? 'leads' : 'waits'}`,
              leader: lease.holder ?? 'nobody',
              changes: String(lease.transitions),
              seen: ageText(lease.seenAtMs, nowMs),
              failure: lease.failure ?? 'none',
            })
      const rows = table(roles, [
        ['ROLE', ({ name }) => name],
        ['STATE', ({ problem }) => problem ?? 'works'],
      ])
      return `${state}\n\n${rows}`
    },
  },
  names: {
    example: 'names',
    note: 'WHY is empty for a cache that has a record, or is to have one.',
    show: ({ base, driver, power, failure, names, caches, next, writtenAtMs }, nowMs) =>
      [
        fields({
          ...{ base, driver, 'this one': power },
          'last write': writtenAtMs === undefined ? '-' : ageText(writtenAtMs, nowMs),
          failure: failure === undefined ? 'none' : `${failure.code}: ${failure.message}`,
          next: `${next.put.length} to put, ${next.remove.length} to remove`,
        }),
        table(names, [
          ['NAME', ({ name }) => name],
          [
            'PUBLISHED',
            ({ published }) => published.map(({ address, own }) => address + (own ? '' : ' (other)')).join(' '),
          ],
          ['WANTED', ({ wanted }) => wanted.join(' ')],
        ]),
        table(caches, [
          ['CACHE', ({ pod }) => pod],
          ['ADDRESS', ({ address }) => address ?? '-'],
          ['ZONE', ({ zone }) => zone ?? '-'],
          ['NODE', ({ node }) => node ?? '-'],
          ['KIND', ({ kind }) => kind],
          ['WHY', ({ why }) => why ?? ''],
        ]),
      ].join('\n\n'),
  },
  accounts: {
    example: 'accounts',
    note: 'SIZE is ready/wanted of build-indexes, trackers and origins.',
    show: ({ known, total, accounts }, nowMs) =>
      [
        fields({ accounts: String(total), list: known === 'fresh' ? 'up to date' : known }),
        table(accounts, [
          ['ACCOUNT', ({ account }) => account],
          ['HEALTH', ({ health }) => health],
          ['VERSION', ({ version, wantedVersion }) => versionText(version, wantedVersion)],
          ['SIZE', ({ size }) => size.map(({ ready, wanted }) => `${ready}/${wanted}`).join(' ')],
          ['NAMESPACE', ({ namespace }) => namespace ?? '-'],
          ['MISSING', ({ missing }) => missing ?? ''],
          [
            'LAST ERROR',
            ({ lastError }) =>
              lastError === undefined
                ? ''
                : `${lastError.reason}, ${ageText(lastError.atMs, nowMs)}: ${lastError.message}`,
          ],
        ]),
      ].join('\n\n'),
  },
  ...describeVerb,
}

const versionText = (runs: string | undefined, wanted: string | undefined): string =>
  runs === wanted ? (runs ?? '-') : `${runs ?? '-'} -> ${wanted ?? '-'}`
