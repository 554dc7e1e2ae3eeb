import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { changer, Failed, Field, useDoing } from '../parts/form.tsx'
import { JobFieldset, Radios } from '../parts/job-fields.tsx'
import { Card, Head, Seen, tell } from '../parts/ui.tsx'
import { emptyFields, fieldsOf, type JobFields, type LackingField, lackOf, specOf } from '../pure/job-form.ts'
import { addressOf, type Place } from '../pure/paths.ts'
import { emptySchedule, occasions, type ScheduleFields, scheduleBody, scheduleFieldsOf } from '../pure/schedule-form.ts'
import { type Answer, part, send } from '../state/api.ts'
import { go } from '../state/here.ts'
import type { Schedule } from '../state/jobs.ts'
import { useLoad } from '../state/load.ts'

interface WhenProps {
  readonly fields: ScheduleFields
  readonly set: (change: Partial<ScheduleFields>) => void
}

/** At which times, or at which pushes. */
const When = ({ fields, set }: WhenProps) =>
  fields.occasion === 'cron' ? (
    <>
      <Field name={t('schedules.cron')} hint={t('schedules.cronHint')}>
        <input required class="mono" value={fields.cron} onInput={(e) => set({ cron: e.currentTarget.value })} />
      </Field>
      <Field name={t('schedules.timeZone')} hint={t('schedules.timeZoneHint')}>
        <input required value={fields.timeZone} onInput={(e) => set({ timeZone: e.currentTarget.value })} />
      </Field>
    </>
  ) : (
    <>
      <Field name={t('schedules.repository')} hint={t('schedules.repositoryHint')}>
        <input required value={fields.repository} onInput={(e) => set({ repository: e.currentTarget.value })} />
      </Field>
      <Field name={t('schedules.tag')} hint={t('schedules.tagHint')}>
        <input value={fields.tag} onInput={(e) => set({ tag: e.currentTarget.value })} />
      </Field>
    </>
  )

interface FormProps {
  readonly first: ScheduleFields
  readonly job: JobFields
  readonly enabled: boolean
  /** Entity tag of the one that is changed. */
  readonly seen?: string
}

function ScheduleForm({ first, job: firstJob, enabled, seen }: FormProps) {
  const fields = useSignal(first)
  const job = useSignal(firstJob)
  const lack = useSignal<LackingField | undefined>(undefined)
  const doing = useDoing()
  const set = changer(fields)
  const { occasion, name, overlap } = fields.value
  const pushed = occasion === 'push'
  const submit = (event: Event) => {
    event.preventDefault()
    const missing = lackOf(specOf(job.value), job.value)
    lack.value = pushed && missing === 'targets' ? undefined : missing
    if (lack.value !== undefined) return
    doing.run(async () => {
      const body = scheduleBody(fields.value, job.value, enabled)
      await send('PUT', `/api/v1/schedules/${part(name.trim())}`, { body, seen })
      tell(t('act.saved'))
      go(addressOf('schedules'))
    })
  }
  return (
    <form class="form" onSubmit={submit}>
      <Card title={t('schedules.when')}>
        <div class="form">
          <Field name={t('col.name')} hint={t('schedules.nameHint')}>
            <input
              required
              maxLength={64}
              disabled={first.name !== ''}
              value={name}
              onInput={(e) => set({ name: e.currentTarget.value })}
            />
          </Field>
          <Radios
            label={t('schedules.when')}
            name="occasion"
            value={occasion}
            options={occasions.map((each) => [each, t(`schedules.by.${each}`)] as const)}
            onChoose={(value) => set({ occasion: value })}
          />
          <When fields={fields.value} set={set} />
          <label class="check">
            <input type="checkbox" checked={overlap} onChange={(e) => set({ overlap: e.currentTarget.checked })} />
            {t('schedules.overlap')}
          </label>
        </div>
      </Card>
      <JobFieldset fields={job} lack={lack.value} pushed={pushed} />
      <Failed of={doing} />
      <div class="actions">
        <button type="submit" class="main-act" disabled={doing.busy}>
          {t('act.save')}
        </button>
      </div>
    </form>
  )
}

function Known({ name }: { readonly name: string }) {
  const address = `/api/v1/schedules/${part(name)}`
  const load = useLoad<Answer<Schedule>>(address, (signal) => send<Schedule>('GET', address, { signal }))
  return (
    <Seen load={load} rows={8}>
      {({ value, tag }) => (
        <ScheduleForm
          first={scheduleFieldsOf(value)}
          job={fieldsOf(value.job)}
          enabled={value.enabled}
          {...(tag !== undefined && { seen: tag })}
        />
      )}
    </Seen>
  )
}

export function ScheduleFormPage({ query: { name } }: Place) {
  return (
    <>
      <Head
        above={<a href={addressOf('schedules')}>{t('nav.schedules')}</a>}
        title={name === undefined ? t('schedules.new') : t('schedules.edit', { name })}
      />
      {name === undefined ? (
        <ScheduleForm key="" first={emptySchedule} job={emptyFields} enabled />
      ) : (
        <Known key={name} name={name} />
      )}
    </>
  )
}
