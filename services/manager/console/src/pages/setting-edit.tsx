import { type Signal, useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Failed, Field, useDoing } from '../parts/form.tsx'
import { PlanFields } from '../parts/plan-fields.tsx'
import { SettingFields } from '../parts/setting-fields.tsx'
import { Changes } from '../parts/steer.tsx'
import { Card, Seen, tell } from '../parts/ui.tsx'
import { addressOf } from '../pure/paths.ts'
import { isPlan, newPlan, type PlanDraft, planOf } from '../pure/rollout-plan.ts'
import {
  drafted,
  draftOf,
  type SettingField,
  settingFields,
  type Values,
  valueChanges,
} from '../pure/setting-fields.ts'
import { type Fault, get } from '../state/api.ts'
import { go } from '../state/here.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { type Current, readSlot, type SlotName, saveSlot, slotPath } from '../state/settings.ts'
import type { Schemas } from '../state/steer.ts'

/** What is in each field that is set. */
export type Draft = Readonly<Record<string, string>>

const draftFrom = (fields: readonly SettingField[], values: Values): Draft =>
  Object.fromEntries(
    fields.flatMap((field) =>
      Object.hasOwn(values, field.key) ? [[field.key, draftOf(field, values[field.key])]] : [],
    ),
  )

/** The values of a draft, and which fields do not say one. */
function read(fields: readonly SettingField[], draft: Draft) {
  const values: Record<string, unknown> = {}
  const wrong: Record<string, string> = {}
  for (const field of fields) {
    const text = draft[field.key]
    if (text === undefined) continue
    const said = drafted(field, text)
    if ('value' in said) values[field.key] = said.value
    else wrong[field.key] = t(`setting.wrong.${said.wrong}`)
  }
  return { values, wrong }
}

/** What the manager says of each value that it does not take. */
function refusedKeys(fault: Fault | undefined): Readonly<Record<string, string>> {
  const { keys } = (fault?.detail ?? {}) as { readonly keys?: Readonly<Record<string, string>> }
  return fault?.code === 'BODY_INVALID' && keys !== undefined ? keys : {}
}

interface FormProps {
  readonly name: SlotName
  readonly current: Current
  readonly fields: readonly SettingField[]
  readonly draft: Signal<Draft>
  readonly saved: () => void
}

function Form({ name, current, fields, draft, saved }: FormProps) {
  const [reason, plan] = [useSignal(''), useSignal<PlanDraft>(newPlan)]
  const doing = useDoing()
  const { values, wrong } = read(fields, draft.value)
  const changes = valueChanges(current.values, values)
  const ready =
    changes.length > 0 && Object.keys(wrong).length === 0 && reason.value.trim() !== '' && isPlan(plan.value)
  const save = (event: Event) => {
    event.preventDefault()
    if (!ready) return
    doing.run(async () => {
      const rollout = planOf(plan.value)
      const body = { values, reason: reason.value.trim(), ...(rollout !== undefined && { rollout }) }
      const slot = await saveSlot(name, current, body)
      tell(t('setting.saved', { version: String(slot.latest) }))
      saved()
      if (rollout !== undefined && slot.rollout !== undefined) go(addressOf('rollout', { id: slot.rollout.id }))
      else go(addressOf('setting', { scope: name.scope, kind: name.kind }))
    })
  }
  return (
    <form class="form" onSubmit={save}>
      <Card title={t('setting.values')} tight>
        <SettingFields
          fields={fields}
          draft={draft.value}
          wrong={{ ...refusedKeys(doing.fault), ...wrong }}
          change={(next) => put(draft, next)}
        />
      </Card>
      <Card title={t('settings.changes')} tight>
        <Changes label={t('settings.changes')} changes={changes} />
      </Card>
      <Card title={t('plan.title')}>
        <PlanFields plan={plan.value} change={(next) => put(plan, next)} />
      </Card>
      <Card>
        <div class="form">
          <Field name={t('node.reason')} hint={t('setting.reasonHint')}>
            <input value={reason.value} maxLength={500} onInput={(e) => put(reason, e.currentTarget.value)} />
          </Field>
          <Failed of={doing} />
          <div class="row">
            <button type="submit" class="main-act" disabled={!ready || doing.busy}>
              {t(plan.value.how === 'once' ? 'setting.save' : 'setting.rollOut')}
            </button>
            <span class="muted">{changes.length === 0 ? t('setting.noChange') : ''}</span>
          </div>
        </div>
      </Card>
    </form>
  )
}

/** The form begins with what is wanted now, and stays as it is while somebody writes. */
function Begun({ schemas, ...rest }: Omit<FormProps, 'fields' | 'draft'> & { readonly schemas: Schemas }) {
  const fields = settingFields(schemas.kinds[rest.name.kind], rest.current.values)
  const draft = useSignal(draftFrom(fields, rest.current.values))
  return <Form {...rest} fields={fields} draft={draft} />
}

const underWay = ['running', 'paused', 'halted']

/** Changes the settings of a scope: what changes is seen before it is saved. */
export function SettingEdit({ saved, ...name }: SlotName & { readonly saved: () => void }) {
  const load = useLoad(`edit/${slotPath(name)}`, async (signal) => {
    const [schemas, current] = await Promise.all([
      get<Schemas>('/api/v1/settings/schema', {}, signal),
      readSlot(name, signal),
    ])
    return { schemas, current }
  })
  return (
    <Seen load={load} rows={8}>
      {({ schemas, current }) => {
        const { rollout } = current.slot ?? {}
        if (rollout === undefined || !underWay.includes(rollout.state))
          return <Begun name={name} schemas={schemas} current={current} saved={saved} />
        return (
          <div class="trouble soft" role="status">
            <h2>{t('setting.underWayTitle')}</h2>
            <p>
              {t('setting.underWay')} <a href={addressOf('rollout', { id: rollout.id })}>{t('nav.rollout')}</a>
            </p>
          </div>
        )
      }}
    </Seen>
  )
}
