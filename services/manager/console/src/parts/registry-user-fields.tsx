import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { t } from '../i18n/index.ts'
import {
  emptyGrant,
  type GrantFields,
  type LackingOfUser,
  type RegistryUserFields,
} from '../pure/registry-user-form.ts'
import { type RuleAction, registryUserKinds, ruleActions } from '../state/registry-users.ts'
import { useClusterWords } from './cluster-words.ts'
import { changer, Field } from './form.tsx'
import { Radios } from './job-fields.tsx'
import { Lack, Rows } from './rows.tsx'

interface FieldsProps {
  readonly fields: Signal<RegistryUserFields>
  readonly lack: LackingOfUser | undefined
}

const lackText = (of: LackingOfUser, lack: LackingOfUser | undefined) =>
  lack === of ? t(`registryUser.lacks.${of}`) : undefined

const Grant = ({ grant, change }: { readonly grant: GrantFields; readonly change: (grant: GrantFields) => void }) => (
  <>
    <input
      class="mono"
      aria-label={t('col.repository')}
      placeholder="team/*"
      autocomplete="off"
      spellcheck={false}
      value={grant.repositories}
      onInput={(e) => change({ ...grant, repositories: e.currentTarget.value })}
    />
    {ruleActions.map((action) => (
      <label key={action} class="check">
        <input
          type="checkbox"
          checked={grant.actions.includes(action)}
          onChange={(e) => {
            const { checked } = e.currentTarget
            const holds = (each: RuleAction) => (each === action ? checked : grant.actions.includes(each))
            change({ ...grant, actions: ruleActions.filter(holds) })
          }}
        />
        {t(`ruleAction.${action}`)}
      </label>
    ))}
  </>
)

function ClustersFields({ fields, lack }: FieldsProps) {
  const { everywhere, clusters } = fields.value
  const set = changer(fields)
  const names = [...new Set([...useClusterWords(), ...clusters])]
  return (
    <>
      <Radios
        label={t('col.clusters')}
        name="everywhere"
        value={everywhere ? 'all' : 'some'}
        options={[
          ['all', t('registryUser.everywhere')],
          ['some', t('registryUser.some')],
        ]}
        onChoose={(value) => set({ everywhere: value === 'all' })}
      />
      {!everywhere && (
        <fieldset class="field">
          <legend>{t('registryUser.which')}</legend>
          <div class="row">
            {names.map((name) => (
              <label key={name} class="check">
                <input
                  type="checkbox"
                  checked={clusters.includes(name)}
                  onChange={(e) =>
                    set({
                      clusters: e.currentTarget.checked
                        ? [...clusters, name]
                        : clusters.filter((each) => each !== name),
                    })
                  }
                />
                {name}
              </label>
            ))}
          </div>
          <Lack text={lackText('clusters', lack)} />
        </fieldset>
      )}
    </>
  )
}

function EndFields({ fields, lack }: FieldsProps) {
  const { ends, until } = fields.value
  const set = changer(fields)
  return (
    <>
      <Radios
        label={t('col.expires')}
        name="ends"
        value={ends ? 'at' : 'never'}
        options={[
          ['never', t('users.never')],
          ['at', t('registryUser.at')],
        ]}
        onChoose={(value) => set({ ends: value === 'at' })}
      />
      {ends && (
        <Field name={t('registryUser.until')} hint={t('registryUser.untilHint')}>
          <input type="datetime-local" value={until} onInput={(e) => set({ until: e.currentTarget.value })} />
          <Lack text={lackText('until', lack)} />
        </Field>
      )}
    </>
  )
}

/** The fields of a user or token of registries; `first`: what cannot be changed later. */
export const RegistryUserFieldset = ({ first, ...props }: FieldsProps & { readonly first?: ComponentChildren }) => {
  const { fields } = props
  return (
    <div class="form">
      {first}
      <Rows
        legend={t('registryUser.may')}
        each={(n) => t('registryUser.grant', { n })}
        rows={fields.value.grants}
        set={(grants) => changer(fields)({ grants })}
        empty={emptyGrant}
        add={t('registryUser.addGrant')}
        hint={t('registryUser.mayHint')}
        lack={<Lack text={lackText('grants', props.lack)} />}
      >
        {(grant, change) => <Grant grant={grant} change={change} />}
      </Rows>
      <ClustersFields {...props} />
      <EndFields {...props} />
      <Field name={t('registryUser.note')}>
        <input
          maxLength={255}
          value={fields.value.note}
          onInput={(e) => changer(fields)({ note: e.currentTarget.value })}
        />
      </Field>
    </div>
  )
}

/** Its name, and whether the name counts. */
export function WhoFields({ fields, lack }: FieldsProps) {
  const set = changer(fields)
  const { name, kind } = fields.value
  return (
    <>
      <Field name={t('col.name')} hint={t('welcome.nameHint')}>
        <input
          maxLength={64}
          autocomplete="off"
          spellcheck={false}
          value={name}
          onInput={(e) => set({ name: e.currentTarget.value })}
        />
        <Lack text={lackText('name', lack)} />
      </Field>
      <Radios
        label={t('col.kind')}
        name="kind"
        value={kind}
        options={registryUserKinds.map((each) => [each, t(`registryUser.kind.${each}`)] as const)}
        onChoose={(value) => set({ kind: value })}
      />
    </>
  )
}
