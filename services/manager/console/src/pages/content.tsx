import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Sure } from '../parts/form.tsx'
import { Id, SwarmLink } from '../parts/names.tsx'
import { Table } from '../parts/table.tsx'
import { Card, Empty, Head, Seen, tell } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { get, part, send } from '../state/api.ts'
import { format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { may } from '../state/session.ts'
import type { ContentAnswer, ContentInCluster } from '../state/views.ts'

interface Tagged {
  readonly repository: string
  readonly reference: string
}

interface DeleteProps extends Tagged {
  readonly cluster: string
  readonly close: () => void
  readonly again: () => void
}

function DeleteDialog({ cluster, repository, reference, close, again }: DeleteProps) {
  const work = async () => {
    await send('DELETE', `/api/v1/clusters/${part(cluster)}/images/${part(repository)}/tags/${part(reference)}`)
    tell(t('content.deleted'))
    close()
    again()
  }
  const title = t('content.deleteTitle', { tag: `${repository}:${reference}`, cluster })
  return <Sure title={title} what={t('content.deleteWhat')} act={t('content.delete')} close={close} work={work} />
}

type Known = ContentInCluster & { readonly content: NonNullable<ContentInCluster['content']> }

const Parts = ({ cluster, content }: Known) => {
  const { size } = format()
  return (
    <Table
      label={t('content.parts')}
      rows={content.items}
      keyOf={({ digest }) => digest}
      columns={[
        {
          name: t('col.blob'),
          of: ({ digest }) => <SwarmLink cluster={cluster} swarmId={digest} digest={digest} />,
        },
        {
          name: t('pull.kind'),
          of: ({ mediaType }) => (
            <span title={mediaType}>{t(mediaType === undefined ? 'content.blob' : 'content.manifest')}</span>
          ),
        },
        { name: t('col.size'), end: true, of: (item) => (item.size === undefined ? '–' : size(item.size)) },
      ]}
    />
  )
}

const Signed = ({ repository, referrers, besides }: Pick<Known, 'referrers' | 'besides'> & { repository: string }) => {
  const rows = [
    ...besides.map((tag) => ({ reference: tag, shown: tag, what: tag.slice(tag.lastIndexOf('.') + 1) })),
    ...referrers.map(({ digest, artifactType, mediaType }) => ({
      ...{ reference: digest, shown: digest, what: artifactType ?? mediaType },
    })),
  ]
  return rows.length === 0 ? (
    <p class="foot muted">{t('content.unsigned')}</p>
  ) : (
    <Table
      label={t('content.signed')}
      rows={rows}
      keyOf={({ reference }) => reference}
      columns={[
        {
          name: t('content.signed'),
          of: ({ reference, shown }) => (
            <a href={addressOf('content', { repository, reference })}>
              <Id text={shown} />
            </a>
          ),
        },
        { name: t('pull.kind'), of: ({ what }) => <code>{what}</code> },
      ]}
    />
  )
}

const InCluster = ({ of, repository, reference, again }: Tagged & { of: ContentInCluster; again: () => void }) => {
  const asked = useSignal(false)
  const { size } = format()
  const { cluster, content, code } = of
  if (content === undefined) {
    return (
      <Card title={cluster}>
        <Empty title={t(code === 'MANIFEST_UNKNOWN' ? 'content.absent' : 'image.silent')}>{code}</Empty>
      </Card>
    )
  }
  const bytes = content.items.reduce((sum, item) => sum + (item.size ?? 0), 0)
  const isTag = !reference.includes(':')
  return (
    <Card
      tight
      title={cluster}
      more={
        isTag &&
        may('images', 'write') && (
          <button type="button" class="danger" onClick={() => put(asked, true)}>
            {t('content.delete')}
          </button>
        )
      }
    >
      <p class="foot">
        <code>{content.digest}</code>{' '}
        <span class="muted">{t('content.whole', { n: content.items.length, size: size(bytes) })}</span>
      </p>
      <Parts {...of} content={content} />
      <Signed {...of} repository={repository} />
      {asked.value && <DeleteDialog {...{ cluster, repository, reference, again }} close={() => put(asked, false)} />}
    </Card>
  )
}

/** What one tag or digest of an image stands for. */
export function ContentPage({ params: { repository = '', reference = '' } }: Place) {
  const address = `/api/v1/images/${part(repository)}/content`
  const load = useLoad(`${address}?${reference}`, (signal) => get<ContentAnswer>(address, { reference }, signal))
  return (
    <>
      <Head
        above={
          <>
            {t('nav.images')} / <a href={addressOf('image', { repository })}>{repository}</a>
          </>
        }
        title={<Id text={reference} />}
        what={t('content.what')}
      />
      <Seen load={load} rows={8}>
        {({ clusters }) =>
          clusters.map((each) => (
            <InCluster key={each.cluster} of={each} {...{ repository, reference }} again={load.again} />
          ))
        }
      </Seen>
    </>
  )
}
