import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Failed, useDoing } from '../parts/form.tsx'
import { RegistryUserFieldset, WhoFields } from '../parts/registry-user-fields.tsx'
import { clustersText, endText, Grants, ProxiesCard, ShownSecret, StandingMark } from '../parts/registry-users.tsx'
import { Pager, Table } from '../parts/table.tsx'
import { Card, Dialog, Empty, Head, Seen } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { emptyRegistryUser, type LackingOfUser, lackOfUser, newUserOf } from '../pure/registry-user-form.ts'
import { get, send } from '../state/api.ts'
import { ask } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import type { RegistryUsersPage as Answer, ShownRegistryUser } from '../state/registry-users.ts'
import { may } from '../state/session.ts'

/** Makes a user or a token; its secret is shown this once. */
function NewUser({ close }: { readonly close: () => void }) {
  const fields = useSignal(emptyRegistryUser)
  const lack = useSignal<LackingOfUser | undefined>(undefined)
  const made = useSignal<ShownRegistryUser | undefined>(undefined)
  const doing = useDoing()
  const run = () => {
    lack.value = lackOfUser(fields.value)
    if (lack.value !== undefined) return
    doing.run(async () => {
      const { value } = await send<ShownRegistryUser>('POST', '/api/v1/registry-users', {
        body: newUserOf(fields.value),
      })
      made.value = value
    })
  }
  if (made.value !== undefined)
    return (
      <Dialog title={t('registryUser.made', { name: made.value.kept.name })} close={close}>
        <ShownSecret secret={made.value.secret} user={made.value.kept} />
      </Dialog>
    )
  return (
    <Dialog title={t('registryUsers.new')} close={close} act={{ text: t('act.create'), run, busy: doing.busy }}>
      <RegistryUserFieldset fields={fields} lack={lack.value} first={<WhoFields fields={fields} lack={lack.value} />} />
      <Failed of={doing} />
    </Dialog>
  )
}

const UserTable = ({ users }: Pick<Answer, 'users'>) => (
  <Table
    label={t('nav.registryUsers')}
    rows={users}
    keyOf={({ name }) => name}
    columns={[
      { name: t('col.name'), of: ({ name }) => <a href={addressOf('registryUser', { user: name })}>{name}</a> },
      { name: t('col.kind'), of: ({ kind }) => t(`registryUser.kind.${kind}`) },
      { name: t('col.state'), of: (user) => <StandingMark user={user} /> },
      { name: t('registryUser.may'), of: (user) => <Grants {...user} /> },
      { name: t('col.clusters'), of: clustersText },
      { name: t('col.expires'), of: endText },
      { name: t('registryUser.note'), of: ({ note }) => note || '–' },
    ]}
  />
)

export function RegistryUsersPage({ query: { last } }: Place) {
  const load = useLoad(`registry-users/${last ?? ''}`, (signal) =>
    get<Answer>('/api/v1/registry-users', { n: 100, last }, signal),
  )
  const making = useSignal(false)
  return (
    <>
      <Head title={t('nav.registryUsers')} what={t('registryUsers.what')}>
        {may('rights', 'write') && (
          <button type="button" class="main-act" onClick={() => put(making, true)}>
            {t('registryUsers.new')}
          </button>
        )}
      </Head>
      <Card tight>
        <Seen load={load}>
          {({ users, next }) => (
            <>
              {users.length === 0 ? (
                <Empty title={t('registryUsers.emptyTitle')}>{t('registryUsers.empty')}</Empty>
              ) : (
                <UserTable users={users} />
              )}
              <Pager last={last} next={next} go={(to) => ask({ last: to })} />
            </>
          )}
        </Seen>
      </Card>
      <ProxiesCard />
      {making.value && (
        <NewUser
          close={() => {
            making.value = false
            load.again()
          }}
        />
      )}
    </>
  )
}
