import type { Signal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { emptyRule, emptyWindow, type LackingOfRelation, type RelationFields } from '../pure/relation-form.ts'
import type { RelationRule, RelationWindow } from '../state/relations.ts'
import { useClusterWords } from './cluster-words.ts'
import { changer, Field } from './form.tsx'
import { Lack, Rows } from './rows.tsx'

interface FieldsProps {
  readonly fields: Signal<RelationFields>
  readonly lack: LackingOfRelation | undefined
}

const lackText = (of: LackingOfRelation, lack: LackingOfRelation | undefined) =>
  lack === of ? t(`relation.lacks.${of}`) : undefined

interface PartProps<Row> {
  readonly row: Row
  readonly change: (row: Row) => void
}

const Rule = ({ row, change }: PartProps<RelationRule>) => (
  <>
    <input
      class="mono"
      aria-label={t('col.repository')}
      placeholder="team/*"
      autocomplete="off"
      spellcheck={false}
      value={row.repository}
      onInput={(e) => change({ ...row, repository: e.currentTarget.value })}
    />
    <input
      class="mono"
      aria-label={t('col.tag')}
      placeholder="v*"
      autocomplete="off"
      spellcheck={false}
      value={row.tag}
      onInput={(e) => change({ ...row, tag: e.currentTarget.value })}
    />
  </>
)

const Window = ({ row, change }: PartProps<RelationWindow>) => (
  <>
    <input
      type="time"
      aria-label={t('relation.windowFrom')}
      value={row.from}
      onInput={(e) => change({ ...row, from: e.currentTarget.value })}
    />
    <input
      type="time"
      aria-label={t('relation.windowTo')}
      value={row.to}
      onInput={(e) => change({ ...row, to: e.currentTarget.value })}
    />
  </>
)

interface ClusterProps {
  readonly label: string
  readonly value: string
  readonly names: readonly string[]
  readonly choose: (name: string) => void
}

const ClusterField = ({ label, value, names, choose }: ClusterProps) => (
  <Field name={label}>
    <select value={value} onChange={(e) => choose(e.currentTarget.value)}>
      <option value="">{t('relation.choose')}</option>
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  </Field>
)

/** Which cluster replicates to which; it cannot be changed later. */
export function WhichFields({ fields, lack }: FieldsProps) {
  const set = changer(fields)
  const { from, to, remote } = fields.value
  const names = useClusterWords()
  return (
    <>
      <ClusterField label={t('relation.from')} value={from} names={names} choose={(name) => set({ from: name })} />
      <ClusterField label={t('relation.to')} value={to} names={names} choose={(name) => set({ to: name })} />
      <Lack text={lackText('clusters', lack)} />
      <Field name={t('relation.remote')} hint={t('relation.remoteHint')}>
        <input
          maxLength={63}
          autocomplete="off"
          spellcheck={false}
          value={remote}
          onInput={(e) => set({ remote: e.currentTarget.value })}
        />
      </Field>
    </>
  )
}

function Speed({ fields, lack }: FieldsProps) {
  const set = changer(fields)
  const { bandwidth, concurrency } = fields.value
  return (
    <>
      <Field name={t('relation.bandwidth')} hint={t('relation.bandwidthHint')}>
        <input
          type="number"
          min="0"
          step="any"
          value={bandwidth}
          onInput={(e) => set({ bandwidth: e.currentTarget.value })}
        />
        <Lack text={lackText('bandwidth', lack)} />
      </Field>
      <Field name={t('relation.concurrency')} hint={t('relation.concurrencyHint')}>
        <input
          type="number"
          min="1"
          max="64"
          value={concurrency}
          onInput={(e) => set({ concurrency: e.currentTarget.value })}
        />
        <Lack text={lackText('concurrency', lack)} />
      </Field>
    </>
  )
}

function What({ fields, lack }: FieldsProps) {
  const set = changer(fields)
  const { rules, windows } = fields.value
  return (
    <>
      <Rows
        legend={t('relation.rules')}
        each={(n) => t('relation.rule', { n })}
        rows={rules}
        set={(next) => set({ rules: next })}
        empty={emptyRule}
        add={t('relation.addRule')}
        hint={t('relation.rulesHint')}
        lack={<Lack text={lackText('rules', lack)} />}
      >
        {(row, change) => <Rule row={row} change={change} />}
      </Rows>
      <Rows
        legend={t('relation.windows')}
        each={(n) => t('relation.window', { n })}
        rows={windows}
        set={(next) => set({ windows: next })}
        empty={emptyWindow}
        add={t('relation.addWindow')}
        hint={t('relation.windowsHint')}
        lack={<Lack text={lackText('windows', lack)} />}
      >
        {(row, change) => <Window row={row} change={change} />}
      </Rows>
    </>
  )
}

/** All of a relation that can be changed later. */
export function RelationFieldset({ fields, lack }: FieldsProps) {
  const set = changer(fields)
  const { signatures, deletes, urls, note } = fields.value
  return (
    <>
      <What fields={fields} lack={lack} />
      <Speed fields={fields} lack={lack} />
      <label class="check">
        <input type="checkbox" checked={signatures} onChange={(e) => set({ signatures: e.currentTarget.checked })} />
        {t('relation.signatures')}
      </label>
      <label class="check">
        <input type="checkbox" checked={deletes} onChange={(e) => set({ deletes: e.currentTarget.checked })} />
        {t('relation.deletes')}
      </label>
      <Field name={t('relation.urls')} hint={t('relation.urlsHint')}>
        <textarea
          class="lines"
          rows={2}
          spellcheck={false}
          value={urls}
          onInput={(e) => set({ urls: e.currentTarget.value })}
        />
      </Field>
      <Field name={t('registryUser.note')}>
        <input maxLength={255} value={note} onInput={(e) => set({ note: e.currentTarget.value })} />
      </Field>
    </>
  )
}
