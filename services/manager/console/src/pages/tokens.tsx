import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Failed, Field, useDoing } from '../parts/form.tsx'
import { Table } from '../parts/table.tsx'
import { Card, Dialog, Empty, Head, Secret, Seen } from '../parts/ui.tsx'
import { get, part, send } from '../state/api.ts'
import { format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { grants } from '../state/session.ts'
import type { Grant, Token } from '../state/shapes.ts'

const DAY_MS = 86_400_000
const textOf = ({ resource, action }: Grant) => `${resource}:${action}`

/** A token of the caller; its text is shown this once. */
function NewToken({ close }: { readonly close: () => void }) {
  const [name, days] = [useSignal(''), useSignal('30')]
  const chosen = useSignal<readonly string[]>([])
  const made = useSignal<string | undefined>(undefined)
  const doing = useDoing()
  const run = () =>
    doing.run(async () => {
      const body = {
        name: name.value,
        grants: grants.value.filter((each) => chosen.value.includes(textOf(each))),
        expiresAtMs: Date.now() + Number(days.value) * DAY_MS,
      }
      made.value = (await send<{ readonly token: string }>('POST', '/api/v1/me/tokens', { body })).value.token
    })
  const toggle = (text: string, on: boolean) =>
    put(chosen, on ? [...chosen.value, text] : chosen.value.filter((each) => each !== text))
  if (made.value !== undefined)
    return (
      <Dialog title={t('tokens.made')} close={close}>
        <p>{t('secret.once')}</p>
        <Secret text={made.value} />
        <p class="muted">{t('tokens.use')}</p>
      </Dialog>
    )
  return (
    <Dialog
      title={t('tokens.new')}
      close={close}
      act={{ text: t('act.create'), run, busy: doing.busy || name.value === '' || chosen.value.length === 0 }}
    >
      <Field name={t('col.name')} hint={t('welcome.nameHint')}>
        <input value={name.value} maxLength={64} onInput={(e) => put(name, e.currentTarget.value)} />
      </Field>
      <Field name={t('tokens.days')}>
        <input type="number" min="1" max="3650" value={days.value} onInput={(e) => put(days, e.currentTarget.value)} />
      </Field>
      <fieldset class="field">
        <legend>{t('tokens.grants')}</legend>
        {grants.value.map(textOf).map((text) => (
          <label key={text} class="check">
            <input
              type="checkbox"
              checked={chosen.value.includes(text)}
              onChange={(e) => toggle(text, e.currentTarget.checked)}
            />
            <code>{text}</code>
          </label>
        ))}
      </fieldset>
      <Failed of={doing} />
    </Dialog>
  )
}

const TokenTable = ({ tokens, again }: { readonly tokens: readonly Token[]; readonly again: () => void }) => {
  const { since } = format()
  const revoke = (id: string) => void send('DELETE', `/api/v1/me/tokens/${part(id)}`).finally(again)
  return (
    <Table
      label={t('nav.tokens')}
      rows={tokens}
      keyOf={({ id }) => id}
      columns={[
        { name: t('col.name'), of: ({ name }) => name },
        { name: t('tokens.grants'), of: (token) => <code>{token.grants.map(textOf).join(' ')}</code> },
        { name: t('tokens.created'), of: ({ createdAtMs }) => since(createdAtMs, Date.now()) },
        {
          name: t('tokens.used'),
          of: ({ usedAtMs }) => (usedAtMs === undefined ? t('users.never') : since(usedAtMs, Date.now())),
        },
        { name: t('col.expires'), of: ({ expiresAtMs }) => since(expiresAtMs, Date.now()) },
        { name: t('tokens.madeBy'), of: ({ madeBy }) => madeBy ?? t('tokens.you') },
        {
          name: t('col.acts'),
          end: true,
          of: ({ id, name }) => (
            <button type="button" class="plain" onClick={() => revoke(id)}>
              {t('act.revoke')} <span class="hidden">{name}</span>
            </button>
          ),
        },
      ]}
    />
  )
}

export function TokensPage() {
  const load = useLoad('tokens', (signal) => get<{ tokens: readonly Token[] }>('/api/v1/me/tokens', {}, signal))
  const making = useSignal(false)
  return (
    <>
      <Head title={t('nav.tokens')} what={t('tokens.what')}>
        <button type="button" class="main-act" onClick={() => put(making, true)}>
          {t('tokens.new')}
        </button>
      </Head>
      <Card tight>
        <Seen load={load}>
          {({ tokens }) =>
            tokens.length === 0 ? (
              <Empty title={t('tokens.emptyTitle')}>{t('tokens.empty')}</Empty>
            ) : (
              <TokenTable tokens={tokens} again={load.again} />
            )
          }
        </Seen>
      </Card>
      {making.value && (
        <NewToken
          close={() => {
            making.value = false
            load.again()
          }}
        />
      )}
    </>
  )
}
