import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Failed, useDoing } from '../parts/form.tsx'
import { Pager, Table } from '../parts/table.tsx'
import { Card, Dialog, Empty, Head, Mark, Secret, Seen, tell } from '../parts/ui.tsx'
import type { Place } from '../pure/paths.ts'
import { get, part, send } from '../state/api.ts'
import { ask, format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { may } from '../state/session.ts'
import type { Invite, Role, User } from '../state/shapes.ts'

interface All {
  readonly users: readonly User[]
  readonly next?: string
  readonly roles: readonly Role[]
  readonly invites: readonly Invite[]
}

async function read(last: string | undefined, signal: AbortSignal): Promise<All> {
  const [users, { roles }, { invites }] = await Promise.all([
    get<Pick<All, 'users' | 'next'>>('/api/v1/users', { n: 100, last }, signal),
    may('roles', 'read') ? get<Pick<All, 'roles'>>('/api/v1/roles', {}, signal) : { roles: [] },
    get<Pick<All, 'invites'>>('/api/v1/invites', {}, signal),
  ])
  return { ...users, roles, invites }
}

interface RolesProps {
  readonly roles: readonly Role[]
  readonly chosen: readonly string[]
  readonly choose: (roles: readonly string[]) => void
}

const Roles = ({ roles, chosen, choose }: RolesProps) => (
  <fieldset class="field">
    <legend>{t('users.roles')}</legend>
    {roles.map(({ name, what }) => (
      <label key={name} class="check">
        <input
          type="checkbox"
          checked={chosen.includes(name)}
          onChange={(e) => choose(e.currentTarget.checked ? [...chosen, name] : chosen.filter((each) => each !== name))}
        />
        <span>
          {name} <small class="muted">{what}</small>
        </span>
      </label>
    ))}
  </fieldset>
)

/** A one-time link for a new user; it is shown this once. */
function Invitation({ roles, close }: { readonly roles: readonly Role[]; readonly close: () => void }) {
  const chosen = useSignal<readonly string[]>([])
  const path = useSignal<string | undefined>(undefined)
  const doing = useDoing()
  const run = () =>
    doing.run(async () => {
      const { value } = await send<{ readonly path: string }>('POST', '/api/v1/invites', {
        body: { roles: chosen.value },
      })
      path.value = value.path
    })
  if (path.value !== undefined)
    return (
      <Dialog title={t('users.invited')} close={close}>
        <p>{t('users.sendLink')}</p>
        <Secret text={location.origin + path.value} />
      </Dialog>
    )
  return (
    <Dialog
      title={t('users.invite')}
      close={close}
      act={{ text: t('users.makeLink'), run, busy: doing.busy || chosen.value.length === 0 }}
    >
      <Roles roles={roles} chosen={chosen.value} choose={(next) => put(chosen, next)} />
      <Failed of={doing} />
    </Dialog>
  )
}

interface EditProps {
  readonly user: User
  readonly roles: readonly Role[]
  readonly close: () => void
}

function Edit({ user, roles, close }: EditProps) {
  const chosen = useSignal(user.roles)
  const disabled = useSignal(user.disabled)
  const doing = useDoing()
  const run = () =>
    doing.run(async () => {
      await send('PATCH', `/api/v1/users/${part(user.name)}`, {
        body: { roles: chosen.value, disabled: disabled.value },
      })
      tell(t('act.saved'))
      close()
    })
  return (
    <Dialog title={user.name} close={close} act={{ text: t('act.save'), run, busy: doing.busy }}>
      <Roles roles={roles} chosen={chosen.value} choose={(next) => put(chosen, next)} />
      <label class="check">
        <input type="checkbox" checked={disabled.value} onChange={(e) => put(disabled, e.currentTarget.checked)} />
        <span>{t('users.disable')}</span>
      </label>
      <Failed of={doing} />
    </Dialog>
  )
}

const UserTable = ({ users, edit }: Pick<All, 'users'> & { readonly edit: (user: User) => void }) => {
  const { since } = format()
  return (
    <Table
      label={t('nav.users')}
      rows={users}
      keyOf={({ name }) => name}
      columns={[
        { name: t('col.name'), of: ({ name }) => name },
        { name: t('users.roles'), of: ({ roles }) => roles.join(', ') || '–' },
        {
          name: t('col.state'),
          of: ({ disabled }) => (
            <Mark tone={disabled ? 'plain' : 'good'}>{t(disabled ? 'users.disabled' : 'users.active')}</Mark>
          ),
        },
        { name: t('users.by'), of: ({ provider }) => provider ?? t('signIn.password') },
        {
          name: t('users.signedIn'),
          of: ({ signedInAtMs }) => (signedInAtMs === undefined ? t('users.never') : since(signedInAtMs, Date.now())),
        },
        {
          name: t('col.acts'),
          end: true,
          of: (user) =>
            may('users', 'write') && (
              <button type="button" class="plain" onClick={() => edit(user)}>
                {t('act.edit')} <span class="hidden">{user.name}</span>
              </button>
            ),
        },
      ]}
    />
  )
}

const Invites = ({ invites, again }: Pick<All, 'invites'> & { readonly again: () => void }) => {
  const { since } = format()
  const revoke = (id: string) => void send('DELETE', `/api/v1/invites/${part(id)}`).finally(again)
  if (invites.length === 0) return null
  return (
    <Card title={t('users.invites')} tight>
      <Table
        label={t('users.invites')}
        rows={invites}
        keyOf={({ id }) => id}
        columns={[
          { name: t('users.roles'), of: ({ roles }) => roles.join(', ') },
          { name: t('col.by'), of: ({ createdBy }) => createdBy },
          { name: t('col.expires'), of: ({ expiresAtMs }) => since(expiresAtMs, Date.now()) },
          {
            name: t('col.acts'),
            end: true,
            of: ({ id, roles }) => (
              <button type="button" class="plain" onClick={() => revoke(id)}>
                {t('act.revoke')} <span class="hidden">{roles.join(', ')}</span>
              </button>
            ),
          },
        ]}
      />
    </Card>
  )
}

export function UsersPage({ query: { last } }: Place) {
  const load = useLoad(`users/${last ?? ''}`, (signal) => read(last, signal))
  const shown = useSignal<'invite' | User | undefined>(undefined)
  const close = () => {
    shown.value = undefined
    load.again()
  }
  return (
    <>
      <Head title={t('nav.users')} what={t('users.what')}>
        {may('users', 'write') && (
          <button type="button" class="main-act" onClick={() => put(shown, 'invite')}>
            {t('users.invite')}
          </button>
        )}
      </Head>
      <Seen load={load}>
        {({ users, next, roles, invites }) => (
          <>
            <Card tight>
              {users.length === 0 ? (
                <Empty title={t('users.emptyTitle')}>{t('users.empty')}</Empty>
              ) : (
                <UserTable users={users} edit={(user) => put(shown, user)} />
              )}
              <Pager last={last} next={next} go={(to) => ask({ last: to })} />
            </Card>
            <Invites invites={invites} again={load.again} />
            {shown.value === 'invite' && <Invitation roles={roles} close={close} />}
            {typeof shown.value === 'object' && <Edit user={shown.value} roles={roles} close={close} />}
          </>
        )}
      </Seen>
    </>
  )
}
