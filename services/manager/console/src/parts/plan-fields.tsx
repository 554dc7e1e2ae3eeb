import { t } from '../i18n/index.ts'
import { type PlanDraft, stepsOf } from '../pure/rollout-plan.ts'
import { Field } from './form.tsx'
import { stepText } from './steer.tsx'

interface PlanProps {
  readonly plan: PlanDraft
  readonly change: (plan: PlanDraft) => void
}

const ways = ['once', 'steps'] as const
const ends = ['usual', 'back', 'stay'] as const

function Steps({ plan, change }: PlanProps) {
  const steps = stepsOf(plan.steps)
  return (
    <>
      <Field
        name={t('plan.stepList')}
        hint={steps === undefined ? t('plan.stepsWrong') : steps.map(stepText).join(' → ')}
      >
        <input
          value={plan.steps}
          aria-invalid={steps === undefined}
          onInput={(e) => change({ ...plan, steps: e.currentTarget.value })}
        />
      </Field>
      <Field name={t('plan.soak')} hint={t('plan.soakHint')}>
        <input
          inputMode="decimal"
          value={plan.soakMinutes}
          onInput={(e) => change({ ...plan, soakMinutes: e.currentTarget.value })}
        />
      </Field>
      <Field name={t('plan.minPulls')} hint={t('plan.minPullsHint')}>
        <input
          inputMode="numeric"
          value={plan.minPulls}
          onInput={(e) => change({ ...plan, minPulls: e.currentTarget.value })}
        />
      </Field>
      <Field name={t('plan.afterHalt')}>
        <select
          value={plan.afterHalt}
          onChange={(e) =>
            change({ ...plan, afterHalt: ends.find((each) => each === e.currentTarget.value) ?? 'usual' })
          }
        >
          {ends.map((each) => (
            <option key={each} value={each}>
              {t(`plan.end.${each}`)}
            </option>
          ))}
        </select>
      </Field>
    </>
  )
}

/** How a change comes to its hosts. */
export const PlanFields = ({ plan, change }: PlanProps) => (
  <div class="form">
    <fieldset class="field bare">
      <legend class="hidden">{t('plan.title')}</legend>
      {ways.map((each) => (
        <label key={each} class="check">
          <input type="radio" name="how" checked={plan.how === each} onChange={() => change({ ...plan, how: each })} />
          <span>{t(`plan.${each}`)}</span>
        </label>
      ))}
    </fieldset>
    {plan.how === 'steps' && <Steps plan={plan} change={change} />}
  </div>
)
