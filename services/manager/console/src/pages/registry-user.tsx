import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Failed, Sure, useDoing } from '../parts/form.tsx'
import { RegistryUserFieldset } from '../parts/registry-user-fields.tsx'
import { clustersText, endText, Grants, ProxiesCard, ShownSecret, StandingMark } from '../parts/registry-users.tsx'
import { Card, Dialog, Facts, Head, Seen, tell } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { changesOf, fieldsOfUser, type LackingOfUser, lackOfUser } from '../pure/registry-user-form.ts'
import { type Answer, part, send } from '../state/api.ts'
import { format, go } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import type { RegistryUser, ShownRegistryUser } from '../state/registry-users.ts'
import { may } from '../state/session.ts'

const addressAt = (name: string) => `/api/v1/registry-users/${part(name)}`

interface ActProps {
  /** As it was seen: what somebody else has changed meanwhile is not undone. */
  readonly seen: Answer<RegistryUser>
  readonly close: () => void
}

function Edit({ seen: { value: user, tag }, close }: ActProps) {
  const fields = useSignal(fieldsOfUser(user))
  const lack = useSignal<LackingOfUser | undefined>(undefined)
  const doing = useDoing()
  const run = () => {
    lack.value = lackOfUser(fields.value)
    if (lack.value !== undefined) return
    doing.run(async () => {
      await send('PATCH', addressAt(user.name), { body: changesOf(user, fields.value), seen: tag })
      tell(t('act.saved'))
      close()
    })
  }
  return (
    <Dialog title={user.name} close={close} act={{ text: t('act.save'), run, busy: doing.busy }}>
      <RegistryUserFieldset fields={fields} lack={lack.value} />
      <Failed of={doing} />
    </Dialog>
  )
}

/** Another secret in place of the one before; it is shown this once. */
function Rotate({ seen: { value: user, tag }, close }: ActProps) {
  const made = useSignal<ShownRegistryUser | undefined>(undefined)
  const { name } = user
  const work = async () => {
    const { value } = await send<ShownRegistryUser>('POST', `${addressAt(name)}/secret`, { seen: tag })
    made.value = value
  }
  if (made.value !== undefined)
    return (
      <Dialog title={t('registryUser.made', { name })} close={close}>
        <ShownSecret secret={made.value.secret} user={made.value.kept} />
      </Dialog>
    )
  const words = { title: t('registryUser.rotateTitle', { name }), what: t('registryUser.rotateWhat') }
  return <Sure {...words} act={t('registryUser.rotate')} close={close} work={work} />
}

function Remove({ seen: { value: user, tag }, close }: ActProps) {
  const { name } = user
  const work = async () => {
    await send('DELETE', addressAt(name), { seen: tag })
    tell(t('registryUser.removed', { name }))
    go(addressOf('registryUsers'))
  }
  const words = { title: t('registryUser.removeTitle', { name }), what: t('registryUser.removeWhat') }
  return <Sure {...words} act={t('act.remove')} close={close} work={work} />
}

const acts = { edit: Edit, rotate: Rotate, remove: Remove } as const

function UserFacts({ user }: { readonly user: RegistryUser }) {
  const { moment } = format()
  return (
    <Card title={t('registryUser.facts')}>
      <Facts
        facts={[
          { name: t('col.kind'), value: t(`registryUser.kind.${user.kind}`) },
          { name: t('col.state'), value: <StandingMark user={user} /> },
          { name: t('registryUser.may'), value: <Grants {...user} /> },
          { name: t('col.clusters'), value: clustersText(user) },
          {
            name: t('col.expires'),
            value: user.expiresAtMs === undefined ? endText(user) : `${moment(user.expiresAtMs)} (${endText(user)})`,
          },
          { name: t('registryUser.note'), value: user.note || '–' },
          { name: t('tokens.created'), value: moment(user.createdAtMs) },
          { name: t('registryUser.rotatedAt'), value: moment(user.rotatedAtMs) },
        ]}
      />
    </Card>
  )
}

interface ActsProps {
  readonly seen: Answer<RegistryUser>
  readonly again: () => void
}

/** What can be done with a user. */
function Acts({ seen, again }: ActsProps) {
  const { name, disabled } = seen.value
  const doing = useDoing()
  const shown = useSignal<keyof typeof acts | undefined>(undefined)
  const close = () => {
    shown.value = undefined
    again()
  }
  const toggle = () =>
    doing.run(async () => {
      await send('PATCH', addressAt(name), { body: { disabled: !disabled }, seen: seen.tag })
      tell(t(disabled ? 'registryUser.enabled' : 'registryUser.nowDisabled', { name }))
      again()
    })
  const Shown = shown.value && acts[shown.value]
  return (
    <>
      <div class="actions">
        <button type="button" onClick={() => put(shown, 'edit')}>
          {t('act.edit')}
        </button>
        <button type="button" disabled={doing.busy} onClick={toggle}>
          {t(disabled ? 'registryUser.enable' : 'registryUser.disable')}
        </button>
        <button type="button" onClick={() => put(shown, 'rotate')}>
          {t('registryUser.rotate')}
        </button>
        <button type="button" class="danger" onClick={() => put(shown, 'remove')}>
          {t('act.remove')}
        </button>
      </div>
      <Failed of={doing} />
      {Shown !== undefined && <Shown seen={seen} close={close} />}
    </>
  )
}

export function RegistryUserPage({ params: { user: name = '' } }: Place) {
  const load = useLoad<Answer<RegistryUser>>(addressAt(name), (signal) =>
    send<RegistryUser>('GET', addressAt(name), { signal }),
  )
  return (
    <>
      <Head above={<a href={addressOf('registryUsers')}>{t('nav.registryUsers')}</a>} title={name} />
      <Seen load={load} rows={8}>
        {(seen) => (
          <>
            {may('rights', 'write') && <Acts seen={seen} again={load.again} />}
            <UserFacts user={seen.value} />
            <ProxiesCard />
          </>
        )}
      </Seen>
    </>
  )
}
