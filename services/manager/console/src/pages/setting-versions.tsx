import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Choose, Failed, Field, useDoing } from '../parts/form.tsx'
import { Changes } from '../parts/steer.tsx'
import { Pager, Table } from '../parts/table.tsx'
import { Card, Dialog, Empty, Mark, Seen, tell } from '../parts/ui.tsx'
import { valueChanges } from '../pure/setting-fields.ts'
import { get } from '../state/api.ts'
import { ask, format } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { may } from '../state/session.ts'
import { readSlot, type SlotName, saveSlot, slotPath } from '../state/settings.ts'
import type { DiffAnswer, FilledSlot, Version, VersionsPage } from '../state/steer.ts'

interface BackProps {
  readonly name: SlotName
  readonly to: Version
  readonly close: () => void
}

/** Makes the values of an earlier version the wanted ones, after it has shown what that changes. */
function Back({ name, to, close }: BackProps) {
  const reason = useSignal(t('back.reason', { version: String(to.version) }))
  const load = useLoad(`back/${slotPath(name)}`, (signal) => readSlot(name, signal))
  const doing = useDoing()
  const { now } = load
  const run = () =>
    doing.run(async () => {
      if (now.is !== 'ready') return
      await saveSlot(name, now.value, { values: to.values, reason: reason.value.trim() })
      tell(t('back.done', { version: String(to.version) }))
      close()
    })
  return (
    <Dialog
      title={t('back.title', { version: String(to.version) })}
      close={close}
      act={{
        text: t('back.act'),
        run,
        danger: true,
        busy: doing.busy || now.is !== 'ready' || reason.value.trim() === '',
      }}
    >
      <Seen load={load} rows={3}>
        {({ values }) => <Changes label={t('settings.changes')} changes={valueChanges(values, to.values)} />}
      </Seen>
      <Field name={t('node.reason')}>
        <input value={reason.value} maxLength={500} onInput={(e) => put(reason, e.currentTarget.value)} />
      </Field>
      <Failed of={doing} />
    </Dialog>
  )
}

/** How two versions differ. */
function Diff({ from, to }: { readonly from: string; readonly to: string }) {
  const load = useLoad(`diff/${from}/${to}`, (signal) => get<DiffAnswer>('/api/v1/settings/diff', { from, to }, signal))
  return (
    <Card title={t('versions.differ', { from, to })} tight>
      <Seen load={load} rows={3}>
        {({ changes }) => <Changes label={t('settings.changes')} changes={changes} />}
      </Seen>
    </Card>
  )
}

interface ListProps {
  readonly versions: readonly Version[]
  readonly slot: FilledSlot | undefined
  readonly back: (to: Version) => void
}

const List = ({ versions, slot, back }: ListProps) => {
  const { moment } = format()
  const wanted = slot?.wanted
  return (
    <Table
      label={t('setting.versions')}
      rows={versions}
      keyOf={({ version }) => String(version)}
      columns={[
        {
          name: t('col.version'),
          of: ({ version }) => (
            <>
              {version} {version === wanted && <Mark tone="good">{t('versions.wanted')}</Mark>}
            </>
          ),
        },
        { name: t('audit.when'), of: ({ atMs }) => moment(atMs) },
        { name: t('audit.who'), of: ({ author }) => author },
        { name: t('node.reason'), of: ({ reason }) => reason },
        {
          name: t('col.acts'),
          of: (each) =>
            each.version !== wanted && (
              <div class="row">
                <button type="button" onClick={() => ask({ from: String(wanted ?? 0), to: String(each.version) })}>
                  {t('versions.compare')}
                </button>
                {may('settings', 'write') && (
                  <button type="button" onClick={() => back(each)}>
                    {t('back.act')}
                  </button>
                )}
              </div>
            ),
        },
      ]}
    />
  )
}

interface VersionsProps extends SlotName {
  readonly query: Readonly<Record<string, string>>
  readonly slot: FilledSlot | undefined
}

/** Who changed what when and why; any two can be compared, and each can be gone back to. */
export function SettingVersions({ query, slot, ...name }: VersionsProps) {
  const { from = '', to = '', last } = query
  const chosen = useSignal<Version | undefined>(undefined)
  const path = `${slotPath(name)}/versions`
  const load = useLoad(`${path}/${slot?.latest ?? 0}/${last ?? ''}`, (signal) =>
    get<VersionsPage>(path, { n: 50, last }, signal),
  )
  const pick = (side: 'from' | 'to', value: string, versions: readonly Version[]) => (
    <Choose
      label={t(`versions.${side}`)}
      any={t(`versions.${side}`)}
      value={value}
      options={[...versions.map(({ version }) => String(version)), '0'].map(
        (each) => [each, each === '0' ? t('versions.nothing') : t('versions.number', { version: each })] as const,
      )}
      onChoose={(next) => ask({ [side]: next })}
    />
  )
  return (
    <Seen load={load}>
      {({ versions, next }) => (
        <>
          {versions.length > 0 && (
            <div class="filters">
              {pick('from', from, versions)}
              {pick('to', to, versions)}
            </div>
          )}
          {from !== '' && to !== '' && <Diff from={from} to={to} />}
          <Card title={t('setting.versions')} tight>
            {versions.length === 0 ? (
              <Empty title={t('settings.noneTitle')}>{t('setting.none')}</Empty>
            ) : (
              <List versions={versions} slot={slot} back={(each) => put(chosen, each)} />
            )}
            <Pager last={last} next={next} go={(at) => ask({ last: at })} />
          </Card>
          {chosen.value !== undefined && <Back name={name} to={chosen.value} close={() => put(chosen, undefined)} />}
        </>
      )}
    </Seen>
  )
}
