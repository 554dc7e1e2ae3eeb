import { t } from '../i18n/index.ts'
import { EffectiveKeys, RunNote } from '../parts/steer.tsx'
import { Card, Empty, Head, Seen } from '../parts/ui.tsx'
import type { Place } from '../pure/paths.ts'
import { kinds } from '../pure/setting-fields.ts'
import { get } from '../state/api.ts'
import { ask } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import type { Effective } from '../state/steer.ts'

interface EffectiveOfProps {
  readonly cluster: string
  readonly host?: string
  readonly zone?: string
  readonly kind: string
}

/** What a host, or all of a cluster or zone, are to have, and who said it. */
export function EffectiveOf({ cluster, host = '', zone = '', kind }: EffectiveOfProps) {
  const asked = { cluster, host, zone, kind }
  const load = useLoad(
    `effective?${JSON.stringify(asked)}`,
    (signal) => get<Effective>('/api/v1/settings/effective', asked, signal),
    { everyMs: 5000 },
  )
  return (
    <Seen load={load}>
      {({ keys, host: run }) => (
        <>
          {run !== undefined && (
            <div class="lead">
              <RunNote run={run} />
            </div>
          )}
          <EffectiveKeys label={t('effective.title')} keys={keys} kind={kind} />
        </>
      )}
    </Seen>
  )
}

const names = ['cluster', 'host', 'zone'] as const

export function EffectivePage({ query }: Place) {
  const { cluster = '', host = '', zone = '', kind = 'agent' } = query
  const seek = (event: SubmitEvent) => {
    event.preventDefault()
    if (!(event.currentTarget instanceof HTMLFormElement)) return
    const data = new FormData(event.currentTarget)
    const said = [...names, 'kind'].map((name) => {
      const given = data.get(name)
      return [name, typeof given === 'string' ? given.trim() : ''] as const
    })
    ask(Object.fromEntries(said))
  }
  return (
    <>
      <Head above={t('nav.settings')} title={t('effective.title')} what={t('effective.what')} />
      <form class="filters" onSubmit={seek}>
        {names.map((name) => (
          <label key={name} class="field">
            <span>{t(`effective.${name}`)}</span>
            <input key={query[name] ?? ''} name={name} defaultValue={query[name] ?? ''} required={name === 'cluster'} />
          </label>
        ))}
        <label class="field">
          <span>{t('settings.service')}</span>
          <select name="kind" value={kind}>
            {kinds.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="main-act low">
          {t('effective.show')}
        </button>
      </form>
      <Card tight>
        {cluster === '' ? (
          <Empty title={t('effective.emptyTitle')}>{t('effective.empty')}</Empty>
        ) : (
          <EffectiveOf cluster={cluster} host={host} zone={zone} kind={kind} />
        )}
      </Card>
    </>
  )
}
