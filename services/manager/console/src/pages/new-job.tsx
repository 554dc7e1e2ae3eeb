import { type Signal, useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { type TextKey, t } from '../i18n/index.ts'
import { type Doing, Failed, Field, useDoing } from '../parts/form.tsx'
import { JobFieldset } from '../parts/job-fields.tsx'
import { Card, Dialog, Head, Seen } from '../parts/ui.tsx'
import {
  credentialsOf,
  fieldsAsked,
  fieldsOf,
  type JobFields,
  type JobKey,
  keyFor,
  type LackingField,
  lackOf,
  phraseOf,
  specOf,
} from '../pure/job-form.ts'
import { addressOf, type Place } from '../pure/paths.ts'
import { get, part, send } from '../state/api.ts'
import { go } from '../state/here.ts'
import type { JobSpec, WholeJob } from '../state/jobs.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'

/** 128 random bits; `randomUUID` is there over TLS alone. */
const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')

interface SecretFieldProps {
  readonly label: TextKey
  readonly of: Signal<string>
  readonly veiled?: boolean
}

/**
 * A text that browsers neither keep nor fill in. It is none of the type `password`: into those they would write the password of the
 * manager, and offer to remember what is entered.
 */
const SecretField = ({ label, of, veiled = false }: SecretFieldProps) => (
  <Field name={t(label)}>
    <input
      type="text"
      class={veiled ? 'veiled' : ''}
      autocomplete="off"
      autocapitalize="off"
      spellcheck={false}
      value={of.value}
      onInput={(e) => put(of, e.currentTarget.value)}
    />
  </Field>
)

interface Secrets {
  readonly username: Signal<string>
  readonly password: Signal<string>
  readonly token: Signal<string>
}

const CredentialFields = ({ username, password, token }: Secrets) => (
  <Card title={t('jobForm.credentials')}>
    <div class="form">
      <p class="muted">{t('jobForm.credentialsHint')}</p>
      <SecretField label="jobForm.username" of={username} />
      <SecretField label="jobForm.password" of={password} veiled />
      <SecretField label="jobForm.token" of={token} veiled />
    </div>
  </Card>
)

interface ConfirmProps {
  readonly phrase: string
  readonly doing: Doing
  readonly run: () => void
  readonly close: () => void
}

/** What removes something is typed before it is done. */
function Confirm({ phrase, doing, run, close }: ConfirmProps) {
  const typed = useSignal('')
  const busy = doing.busy || typed.value.trim() !== phrase
  return (
    <Dialog title={t('jobForm.confirm')} close={close} act={{ text: t('jobForm.start'), run, danger: true, busy }}>
      <p>
        {t('jobForm.confirmWhat')} <code>{phrase}</code>
      </p>
      <Field name={t('jobForm.confirmLabel')}>
        <input
          autocomplete="off"
          spellcheck={false}
          value={typed.value}
          onInput={(e) => put(typed, e.currentTarget.value)}
        />
      </Field>
      <Failed of={doing} />
    </Dialog>
  )
}

function JobForm({ first }: { readonly first: JobFields }) {
  const fields = useSignal(first)
  const secrets = { username: useSignal(''), password: useSignal(''), token: useSignal('') }
  const lack = useSignal<LackingField | undefined>(undefined)
  const confirming = useSignal(false)
  const key = useRef<JobKey | undefined>(undefined)
  const doing = useDoing()
  const spec: JobSpec = specOf(fields.value)
  const phrase = phraseOf(spec)
  const give = () =>
    doing.run(async () => {
      key.current = keyFor(key.current, spec, newKey)
      const { username, password, token } = secrets
      const credentials =
        spec.kind === 'preheat' ? credentialsOf(username.value, password.value, token.value) : undefined
      const body = { ...spec, key: key.current.key, ...(credentials !== undefined && { credentials }) }
      const { value } = await send<WholeJob>('POST', '/api/v1/jobs', { body })
      go(addressOf('job', { job: value.id }))
    })
  const submit = (event: Event) => {
    event.preventDefault()
    lack.value = lackOf(spec, fields.value)
    if (lack.value !== undefined) return
    if (phrase === undefined) give()
    else confirming.value = true
  }
  return (
    <>
      <form class="form" autocomplete="off" onSubmit={submit}>
        <JobFieldset fields={fields} lack={lack.value} />
        {fields.value.kind === 'preheat' && <CredentialFields {...secrets} />}
        {!confirming.value && <Failed of={doing} />}
        <div class="actions">
          <button type="submit" class={phrase === undefined ? 'main-act' : 'danger'} disabled={doing.busy}>
            {t('jobForm.start')}
          </button>
        </div>
      </form>
      {confirming.value && phrase !== undefined && (
        <Confirm phrase={phrase} doing={doing} run={give} close={() => put(confirming, false)} />
      )}
    </>
  )
}

/** The job that is to be given again. */
function Again({ id }: { readonly id: string }) {
  const address = `/api/v1/jobs/${part(id)}`
  const load = useLoad(address, (signal) => get<WholeJob>(address, {}, signal))
  return (
    <Seen load={load} rows={8}>
      {({ spec }) => <JobForm first={fieldsOf(spec)} />}
    </Seen>
  )
}

export function NewJobPage({ query }: Place) {
  const { from } = query
  return (
    <>
      <Head
        above={<a href={addressOf('jobs')}>{t('nav.jobs')}</a>}
        title={t(from === undefined ? 'jobForm.title' : 'jobForm.again')}
        {...(from !== undefined && { what: t('jobForm.againWhat') })}
      />
      {from === undefined ? (
        <JobForm key={JSON.stringify(query)} first={fieldsAsked(query)} />
      ) : (
        <Again key={from} id={from} />
      )}
    </>
  )
}
