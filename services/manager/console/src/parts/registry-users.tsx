import { t } from '../i18n/index.ts'
import { standingOf } from '../pure/registry-user-form.ts'
import { get } from '../state/api.ts'
import { format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import type { RegistryProxies, RegistryUser } from '../state/registry-users.ts'
import { GivenStates } from './given-states.tsx'
import { Card, Empty, Mark, Secret, Seen } from './ui.tsx'

const standingTones = { active: 'good', disabled: 'plain', over: 'warn' } as const

/** Whether proxies let a user or token in. */
export function StandingMark({ user }: { readonly user: RegistryUser }) {
  const standing = standingOf(user, Date.now())
  return <Mark tone={standingTones[standing]}>{t(`registryUser.${standing}`)}</Mark>
}

/** What a user may do, one line for each grant. */
export const Grants = ({ grants }: Pick<RegistryUser, 'grants'>) =>
  grants.length === 0 ? (
    <span class="muted">{t('registryUser.mayNothing')}</span>
  ) : (
    grants.map(({ repositories, actions }) => (
      <div key={repositories.join(' ')}>
        <code>{repositories.join(' ')}</code>{' '}
        <span class="small">{actions.map((action) => t(`ruleAction.${action}`)).join(', ')}</span>
      </div>
    ))
  )

/** For which clusters a user is. */
export const clustersText = ({ clusters }: Pick<RegistryUser, 'clusters'>): string =>
  clusters === undefined ? t('registryUser.everywhere') : clusters.join(', ')

/** When a user ends. */
export function endText({ expiresAtMs }: Pick<RegistryUser, 'expiresAtMs'>): string {
  return expiresAtMs === undefined ? t('users.never') : format().since(expiresAtMs, Date.now())
}

/** A secret that was just made, and how it is shown to a registry. */
export const ShownSecret = ({
  secret,
  user: { name, kind },
}: {
  readonly secret: string
  readonly user: RegistryUser
}) => (
  <>
    <p>{t('secret.once')}</p>
    <Secret text={secret} />
    <p class="muted">
      {t(`registryUser.use.${kind}`)} <code>docker login --username {name} …</code>
    </p>
  </>
)

/** Which proxies have the users that they are to have, and why others have not. */
export function ProxiesCard() {
  const load = useLoad('registry-proxies', (signal) => get<RegistryProxies>('/api/v1/registry-proxies', {}, signal), {
    everyMs: 5000,
  })
  return (
    <Card title={t('registryProxies.title')} tight>
      <Seen load={load}>
        {({ generation, applied, of, proxies }) =>
          proxies.length === 0 ? (
            <Empty title={t('registryProxies.emptyTitle')}>{t('registryProxies.empty')}</Empty>
          ) : (
            <>
              <p class="lead">{t('registryProxies.share', { generation, applied, of })}</p>
              <GivenStates
                title={t('registryProxies.title')}
                kind={t('registryProxies.proxy')}
                nameOf={({ proxy }) => proxy}
                rows={proxies}
                why={(state, manager) => t(`registryProxyWhy.${state}`, { manager })}
              />
            </>
          )
        }
      </Seen>
    </Card>
  )
}
