import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { type TextKey, t } from '../i18n/index.ts'
import { howMany, type JobFields, kindHas, type LackingField, whichHosts } from '../pure/job-form.ts'
import { jobKinds, jobScopes } from '../state/jobs.ts'
import { changer, Field } from './form.tsx'
import { useClusters } from './jobs.tsx'
import { Card } from './ui.tsx'

interface FieldsProps {
  readonly fields: Signal<JobFields>
  /** What was found to be missing. */
  readonly lack: LackingField | undefined
  /** What the job is about is said by a push. */
  readonly pushed?: boolean
}

type TextName = {
  [Name in keyof JobFields]: JobFields[Name] extends string ? (string extends JobFields[Name] ? Name : never) : never
}[keyof JobFields]

interface TextProps extends FieldsProps {
  readonly name: TextName
  readonly label: TextKey
  readonly hint?: TextKey
  readonly rows?: number
  readonly number?: { readonly min: number; readonly max: number }
}

/** One text of the form; what it lacks stands under it. */
function Text({ fields, lack, name, label, hint, rows, number }: TextProps) {
  const wrong = lack !== undefined && lack === name
  const shared = {
    value: fields.value[name],
    onInput: (e: { currentTarget: { value: string } }) => changer(fields)({ [name]: e.currentTarget.value }),
    autocomplete: 'off',
    ...(wrong && { 'aria-invalid': true }),
  }
  return (
    <Field name={t(label)} {...(hint !== undefined && { hint: t(hint) })}>
      {rows !== undefined ? (
        <textarea {...shared} class="lines" rows={rows} spellcheck={false} />
      ) : number !== undefined ? (
        <input type="number" {...number} {...shared} />
      ) : (
        <input {...shared} spellcheck={false} />
      )}
      {wrong && (
        <span class="wrong" role="alert">
          {t(`jobForm.lacks.${lack}`)}
        </span>
      )}
    </Field>
  )
}

interface RadiosProps<T extends string> {
  readonly label: string
  readonly name: string
  readonly options: readonly (readonly [value: T, text: string])[]
  readonly value: T
  readonly onChoose: (value: T) => void
}

export const Radios = <T extends string>({ label, name, options, value, onChoose }: RadiosProps<T>) => (
  <fieldset class="field">
    <legend>{label}</legend>
    <div class="row">
      {options.map(([each, text]) => (
        <label key={each} class="check">
          <input type="radio" name={name} checked={value === each} onChange={() => onChoose(each)} />
          {text}
        </label>
      ))}
    </div>
  </fieldset>
)

const Group = ({ title, children }: { readonly title: TextKey; readonly children: ComponentChildren }) => (
  <Card title={t(title)}>
    <div class="form">{children}</div>
  </Card>
)

function Clusters({ fields }: Pick<FieldsProps, 'fields'>) {
  const { now } = useClusters()
  const known = now.is === 'ready' ? now.value.clusters.map(({ name }) => name) : []
  const { clusters: chosen } = fields.value
  const all = [...new Set([...known, ...chosen])]
  if (all.length === 0) return null
  const toggle = (name: string, on: boolean) =>
    changer(fields)({ clusters: on ? [...chosen, name] : chosen.filter((each) => each !== name) })
  return (
    <fieldset class="field">
      <legend>{t('jobForm.clusters')}</legend>
      <div class="row">
        {all.map((name) => (
          <label key={name} class="check">
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              onChange={(e) => toggle(name, e.currentTarget.checked)}
            />
            {name}
          </label>
        ))}
      </div>
      <small>{t('jobForm.clustersHint')}</small>
    </fieldset>
  )
}

/** Which hosts, and how many of them. */
function Hosts(props: FieldsProps) {
  const { fields } = props
  const set = changer(fields)
  const { which, many } = fields.value
  return (
    <>
      <Radios
        label={t('jobForm.which')}
        name="which"
        value={which}
        options={whichHosts.map((each) => [each, t(`jobForm.which.${each}`)] as const)}
        onChoose={(value) => set({ which: value })}
      />
      {which === 'zone' && <Text {...props} name="zone" label="jobForm.zone" />}
      {which === 'hosts' && <Text {...props} name="hosts" label="jobForm.hosts" hint="jobForm.hostsHint" rows={3} />}
      <Radios
        label={t('jobForm.many')}
        name="many"
        value={many}
        options={howMany.map((each) => [each, t(`jobForm.many.${each}`)] as const)}
        onChoose={(value) => set({ many: value })}
      />
      {many === 'count' && (
        <Text {...props} name="count" label="jobForm.count" hint="jobForm.spread" number={{ min: 1, max: 5000 }} />
      )}
      {many === 'percent' && (
        <Text {...props} name="percent" label="jobForm.percent" hint="jobForm.spread" number={{ min: 1, max: 100 }} />
      )}
    </>
  )
}

function What(props: FieldsProps) {
  const { fields, pushed = false } = props
  const { kind } = fields.value
  const preheats = kind === 'preheat'
  const targetsHint = preheats ? 'jobForm.preheatHint' : 'jobForm.targetsHint'
  return (
    <Group title="jobs.about">
      <Field name={t('jobForm.kind')} hint={t(`jobKindWhat.${kind}`)}>
        <select
          value={kind}
          onChange={(e) => changer(fields)({ kind: jobKinds.find((each) => each === e.currentTarget.value) ?? kind })}
        >
          {jobKinds.map((each) => (
            <option key={each} value={each}>
              {t(`jobKind.${each}`)}
            </option>
          ))}
        </select>
      </Field>
      {pushed && <p>{t('schedules.pushed')}</p>}
      {kindHas.targets(kind) && !pushed && (
        <Text {...props} name="targets" label="jobForm.targets" hint={targetsHint} rows={4} />
      )}
      {preheats && !pushed && <Text {...props} name="urls" label="jobForm.urls" hint="jobForm.urlsHint" rows={2} />}
      {preheats && <Text {...props} name="platforms" label="jobForm.platforms" hint="jobForm.platformsHint" />}
      {kindHas.dryRun(kind) && (
        <label class="check">
          <input
            type="checkbox"
            checked={fields.value.dryRun}
            onChange={(e) => changer(fields)({ dryRun: e.currentTarget.checked })}
          />
          {t('jobForm.dryRun')}
        </label>
      )}
    </Group>
  )
}

/** The fields of a job, as far as they belong to its kind. */
export function JobFieldset(props: FieldsProps) {
  const { fields } = props
  const { kind, scope } = fields.value
  const preheats = kind === 'preheat'
  return (
    <>
      <What {...props} />
      <Group title="jobForm.where">
        <Clusters fields={fields} />
        {preheats && (
          <Radios
            label={t('jobForm.where')}
            name="scope"
            value={scope}
            options={jobScopes.map((each) => [each, t(`jobScope.${each}`)] as const)}
            onChoose={(value) => changer(fields)({ scope: value })}
          />
        )}
        {kindHas.hosts(kind) && (!preheats || scope === 'agents') && <Hosts {...props} />}
      </Group>
      <Group title="jobForm.how">
        {kindHas.hosts(kind) && (
          <Text
            {...props}
            name="atOnce"
            label="jobForm.atOnce"
            hint="jobForm.atOnceHint"
            number={{ min: 1, max: 1000 }}
          />
        )}
        <Text
          {...props}
          name="minutes"
          label="jobForm.minutes"
          hint="jobForm.minutesHint"
          number={{ min: 1, max: 10_080 }}
        />
        <Text {...props} name="note" label="jobForm.note" />
      </Group>
    </>
  )
}
