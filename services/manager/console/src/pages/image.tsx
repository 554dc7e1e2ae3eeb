import { t } from '../i18n/index.ts'
import { Id } from '../parts/names.tsx'
import { Table } from '../parts/table.tsx'
import { Bar, Card, Empty, Head, Mark, Seen, type Tone } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { get, part } from '../state/api.ts'
import { format } from '../state/here.ts'
import type { JobKind } from '../state/jobs.ts'
import { useLoad } from '../state/load.ts'
import { may } from '../state/session.ts'
import type { ImageAnswer, ImageInCluster, Replication } from '../state/views.ts'
import { SwarmTable } from './swarms.tsx'

interface TagRow {
  readonly tag: string
  /** What it stands for in each cluster that has it. */
  readonly digests: ReadonlyMap<string, string>
}

function tagRows(clusters: readonly ImageInCluster[]): readonly TagRow[] {
  const rows = new Map<string, Map<string, string>>()
  for (const { cluster, tags } of clusters)
    for (const { tag, digest } of tags) rows.set(tag, (rows.get(tag) ?? new Map<string, string>()).set(cluster, digest))
  return [...rows].map(([tag, digests]) => ({ tag, digests })).toSorted((a, b) => a.tag.localeCompare(b.tag))
}

/** The form of a job for one tag, filled in. */
const jobFor = (kind: JobKind, target: string) => addressOf('newJob', {}, { kind, target })

const TagActs = ({ target }: { readonly target: string }) => (
  <span class="row">
    <a href={jobFor('preheat', target)}>{t('image.preheat')}</a>
    <a href={jobFor('query', target)}>{t('image.holders')}</a>
    <a href={jobFor('delete', target)}>{t('image.delete')}</a>
  </span>
)

const Tags = ({ repository, clusters }: ImageAnswer) => {
  const rows = tagRows(clusters)
  if (rows.length === 0) return <Empty title={t('image.noTagsTitle')}>{t('image.noTags')}</Empty>
  return (
    <Table
      label={t('image.tags')}
      rows={rows}
      keyOf={({ tag }) => tag}
      columns={[
        {
          name: t('col.tag'),
          of: ({ tag }) => (
            <a class="mono" href={addressOf('content', { repository, reference: tag })}>
              {tag}
            </a>
          ),
        },
        ...clusters.map(({ cluster }) => ({
          name: cluster,
          of: ({ digests }: TagRow) => {
            const digest = digests.get(cluster)
            return digest === undefined ? <span class="muted">–</span> : <Id text={digest} />
          },
        })),
        {
          name: t('image.agree'),
          of: ({ digests }) => {
            const all = new Set(digests.values()).size === 1
            const everywhere = digests.size === clusters.filter(({ code }) => code === undefined).length
            if (!all) return <Mark tone="warn">{t('image.differs')}</Mark>
            return everywhere ? (
              <Mark tone="good">{t('image.same')}</Mark>
            ) : (
              <Mark tone="plain">{t('image.notEverywhere')}</Mark>
            )
          },
        },
        ...(may('jobs', 'write')
          ? [{ name: t('col.acts'), of: ({ tag }: TagRow) => <TagActs target={`${repository}:${tag}`} /> }]
          : []),
      ]}
    />
  )
}

const tones: Readonly<Record<string, Tone>> = {
  done: 'good',
  running: 'live',
  waiting: 'plain',
  lost: 'warn',
  dead: 'bad',
}
const replicationStates = ['waiting', 'running', 'done', 'lost', 'dead', 'cancelled'] as const

const ReplicationMark = ({ state }: Pick<Replication, 'state'>) => {
  const known = replicationStates.find((each) => each === state)
  return <Mark tone={tones[state] ?? 'plain'}>{known === undefined ? state : t(`replication.${known}`)}</Mark>
}

const Replications = ({ clusters }: ImageAnswer) => {
  const rows = clusters.flatMap(({ cluster, replications }) => replications.map((each) => ({ cluster, ...each })))
  if (rows.length === 0) return null
  const { size } = format()
  return (
    <Card title={t('image.replication')} tight>
      <Table
        label={t('image.replication')}
        rows={rows}
        keyOf={({ cluster, remote, tag }) => `${cluster}/${remote}/${tag}`}
        columns={[
          { name: t('col.tag'), of: ({ tag }) => <code>{tag}</code> },
          { name: t('image.way'), of: ({ cluster, remote }) => `${cluster} → ${remote}` },
          { name: t('col.state'), of: (each) => <ReplicationMark {...each} /> },
          {
            name: t('col.progress'),
            of: ({ doneBytes, totalBytes, tag }) => <Bar done={doneBytes} of={totalBytes} label={tag} />,
          },
          { name: t('col.size'), end: true, of: ({ totalBytes }) => size(totalBytes) },
          { name: t('col.why'), of: ({ lastError }) => lastError?.message ?? '' },
        ]}
      />
    </Card>
  )
}

const Holders = ({ cluster, code, blobs, moreBlobs }: ImageInCluster) => (
  <Card title={t('image.inCluster', { cluster })} tight>
    {code !== undefined ? (
      <Empty title={t('image.silent')}>{code}</Empty>
    ) : blobs.length === 0 ? (
      <Empty title={t('image.noBlobsTitle')}>{t('image.noBlobs')}</Empty>
    ) : (
      <SwarmTable swarms={blobs} bare />
    )}
    {moreBlobs && <p class="foot muted">{t('image.moreBlobs')}</p>}
  </Card>
)

export function ImagePage({ params: { repository = '' } }: Place) {
  const address = `/api/v1/images/${part(repository)}`
  const load = useLoad(address, (signal) => get<ImageAnswer>(address, {}, signal), { everyMs: 10_000 })
  const tags = load.now.is === 'ready' ? tagRows(load.now.value.clusters).map(({ tag }) => tag) : []
  const best = tags.includes('latest') ? 'latest' : tags.at(-1)
  return (
    <>
      <Head above={t('nav.images')} title={repository} what={t('image.what')}>
        {may('jobs', 'write') && tags.length > 0 && (
          <a class="button main-act" href={jobFor('preheat', `${repository}:${best}`)}>
            {t('image.preheat')}
          </a>
        )}
      </Head>
      <Seen load={load} rows={8}>
        {(image) => (
          <>
            <Card title={t('image.tags')} tight>
              <Tags {...image} />
              {image.clusters.some(({ moreTags }) => moreTags) && <p class="foot muted">{t('image.moreTags')}</p>}
            </Card>
            <Replications {...image} />
            {image.clusters.map((each) => (
              <Holders key={each.cluster} {...each} />
            ))}
          </>
        )}
      </Seen>
    </>
  )
}
