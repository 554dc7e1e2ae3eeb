import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { t } from '../i18n/index.ts'
import {
  emptyGrant,
  type GrantFields,
  type LackingOfUser,
  type RegistryUserFields,
} from '../pure/registry-user-form.ts'
import { get } from '../state/api.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { registryUserKinds, ruleActions } from '../state/registry-users.ts'
import { may } from '../state/session.ts'
import type { Cluster } from '../state/shapes.ts'
import { Field } from './form.tsx'
import { Radios } from './job-fields.tsx'

interface FieldsProps {
  readonly fields: Signal<RegistryUserFields>
  readonly lack: LackingOfUser | undefined
}

const setter = (fields: Signal<RegistryUserFields>) => (change: Partial<RegistryUserFields>) =>
  put(fields, { ...fields.peek(), ...change })

/** What a field lacks, under it. */
const Lack = ({ of, lack }: { readonly of: LackingOfUser; readonly lack: LackingOfUser | undefined }) =>
  lack === of ? (
    <span class="wrong" role="alert">
      {t(`registryUser.lacks.${of}`)}
    </span>
  ) : null

interface GrantProps {
  readonly grant: GrantFields
  readonly n: number
  readonly change: (grant: GrantFields) => void
  readonly remove: () => void
}

const GrantRow = ({ grant, n, change, remove }: GrantProps) => (
  <fieldset class="grant" aria-label={t('registryUser.grant', { n })}>
    <input
      class="mono"
      aria-label={t('registryUser.repositories')}
      placeholder="team/*"
      autocomplete="off"
      spellcheck={false}
      value={grant.repositories}
      onInput={(e) => change({ ...grant, repositories: e.currentTarget.value })}
    />
    <div class="row">
      {ruleActions.map((action) => (
        <label key={action} class="check">
          <input
            type="checkbox"
            checked={grant.actions.includes(action)}
            onChange={(e) => {
              const { checked } = e.currentTarget
              change({
                ...grant,
                actions: ruleActions.filter((each) => (each === action ? checked : grant.actions.includes(each))),
              })
            }}
          />
          {t(`ruleAction.${action}`)}
        </label>
      ))}
      <button type="button" class="plain" onClick={remove}>
        {t('registryUser.removeGrant')} <span class="hidden">{n}</span>
      </button>
    </div>
  </fieldset>
)

function GrantsFields({ fields, lack }: FieldsProps) {
  const { grants } = fields.value
  const set = (next: readonly GrantFields[]) => setter(fields)({ grants: next })
  return (
    <fieldset class="field">
      <legend>{t('registryUser.may')}</legend>
      {grants.map((grant, i) => (
        <GrantRow
          key={i}
          grant={grant}
          n={i + 1}
          change={(next) => set(grants.map((each, at) => (at === i ? next : each)))}
          remove={() => set(grants.filter((_, at) => at !== i))}
        />
      ))}
      <Lack of="grants" lack={lack} />
      <div>
        <button type="button" onClick={() => set([...grants, emptyGrant])}>
          {t('registryUser.addGrant')}
        </button>
      </div>
      <small>{t('registryUser.mayHint')}</small>
    </fieldset>
  )
}

/** Names of all clusters, for who may see them. */
function useClusterWords(): readonly string[] {
  const { now } = useLoad('registry-user-clusters', async (signal) =>
    may('clusters', 'read')
      ? (await get<{ readonly clusters: readonly Cluster[] }>('/api/v1/clusters', { n: 1000 }, signal)).clusters
      : [],
  )
  return now.is === 'ready' ? now.value.map(({ name }) => name) : []
}

function ClustersFields({ fields, lack }: FieldsProps) {
  const { everywhere, clusters } = fields.value
  const set = setter(fields)
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
          <Lack of="clusters" lack={lack} />
        </fieldset>
      )}
    </>
  )
}

function EndFields({ fields, lack }: FieldsProps) {
  const { ends, until } = fields.value
  const set = setter(fields)
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
          <Lack of="until" lack={lack} />
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
      <GrantsFields {...props} />
      <ClustersFields {...props} />
      <EndFields {...props} />
      <Field name={t('registryUser.note')}>
        <input
          maxLength={255}
          value={fields.value.note}
          onInput={(e) => setter(fields)({ note: e.currentTarget.value })}
        />
      </Field>
    </div>
  )
}

/** Its name, and whether the name counts. */
export function WhoFields({ fields, lack }: FieldsProps) {
  const set = setter(fields)
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
        <Lack of="name" lack={lack} />
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
