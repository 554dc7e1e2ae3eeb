import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Failed, Field, useDoing } from '../parts/form.tsx'
import { Table } from '../parts/table.tsx'
import { Card, Facts, Head, Mark, Seen, tell } from '../parts/ui.tsx'
import { get, part, send } from '../state/api.ts'
import { format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { signOut, standing } from '../state/session.ts'
import type { Session } from '../state/shapes.ts'

function NewPassword() {
  const [old, next] = [useSignal(''), useSignal('')]
  const doing = useDoing()
  const run = (event: Event) => {
    event.preventDefault()
    doing.run(async () => {
      await send('PUT', '/api/v1/me/password', { body: { old: old.value, new: next.value } })
      old.value = next.value = ''
      tell(t('account.changed'))
    })
  }
  return (
    <Card title={t('account.password')}>
      <form class="form" onSubmit={run}>
        <Field name={t('account.old')}>
          <input
            required
            type="password"
            autoComplete="current-password"
            value={old.value}
            onInput={(e) => put(old, e.currentTarget.value)}
          />
        </Field>
        <Field name={t('account.new')} hint={t('welcome.passwordHint')}>
          <input
            required
            type="password"
            minLength={12}
            autoComplete="new-password"
            value={next.value}
            onInput={(e) => put(next, e.currentTarget.value)}
          />
        </Field>
        <Failed of={doing} />
        <div>
          <button type="submit" disabled={doing.busy}>
            {t('account.change')}
          </button>
        </div>
      </form>
    </Card>
  )
}

function Sessions() {
  const load = useLoad('sessions', (signal) => get<{ sessions: readonly Session[] }>('/api/v1/me/sessions', {}, signal))
  const { since } = format()
  const end = (id: string) => void send('DELETE', `/api/v1/me/sessions/${part(id)}`).finally(load.again)
  return (
    <Card title={t('account.sessions')} tight>
      <Seen load={load} rows={3}>
        {({ sessions }) => (
          <Table
            label={t('account.sessions')}
            rows={sessions}
            keyOf={({ id }) => id}
            columns={[
              { name: t('account.browser'), of: ({ agent }) => agent },
              { name: t('col.address'), of: ({ address }) => <code>{address}</code> },
              { name: t('tokens.used'), of: ({ usedAtMs }) => since(usedAtMs, Date.now()) },
              {
                name: t('col.acts'),
                end: true,
                of: ({ id, current, address }) =>
                  current ? (
                    <Mark tone="live">{t('account.this')}</Mark>
                  ) : (
                    <button type="button" class="plain" onClick={() => end(id)}>
                      {t('account.end')} <span class="hidden">{address}</span>
                    </button>
                  ),
              },
            ]}
          />
        )}
      </Seen>
    </Card>
  )
}

export function AccountPage() {
  const { me } = standing.value.is === 'in' ? standing.value : { me: undefined }
  if (me === undefined) return null
  return (
    <>
      <Head title={t('nav.account')}>
        <button type="button" onClick={() => void signOut()}>
          {t('account.signOut')}
        </button>
      </Head>
      <div class="grid">
        <Card title={t('account.you')}>
          <Facts
            facts={[
              { name: t('col.name'), value: me.name },
              { name: t('users.roles'), value: me.roles.join(', ') || '–' },
              {
                name: t('tokens.grants'),
                value: <code>{me.grants.map(({ resource, action }) => `${resource}:${action}`).join(' ')}</code>,
              },
            ]}
          />
        </Card>
        {me.hasPassword && <NewPassword />}
      </div>
      {me.kind === 'user' && <Sessions />}
    </>
  )
}
