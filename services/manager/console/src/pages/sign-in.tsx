import { useSignal, useSignalEffect } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { t } from '../i18n/index.ts'
import { Failed, Field, useDoing } from '../parts/form.tsx'
import { LanguageSwitch, ThemeSwitch } from '../parts/switches.tsx'
import { Bones, Seen } from '../parts/ui.tsx'
import { get, isFault, part, send } from '../state/api.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { entered } from '../state/session.ts'
import type { Me, SignInWays } from '../state/shapes.ts'

const Gate = ({ title, children }: { readonly title: string; readonly children: ComponentChildren }) => (
  <main class="gate" id="main" tabIndex={-1}>
    <div class="card">
      <div class="brand">
        <img src="/icon.svg" alt="" /> shoal
      </div>
      <h1>{title}</h1>
      {children}
      <div class="row">
        <LanguageSwitch />
        <ThemeSwitch />
      </div>
    </div>
  </main>
)

function Password() {
  const [name, password] = [useSignal(''), useSignal('')]
  const doing = useDoing()
  const run = (event: Event) => {
    event.preventDefault()
    doing.run(async () => {
      const body = { name: name.value, password: password.value }
      entered((await send<Me>('POST', '/api/v1/sign-in', { body })).value)
    })
  }
  return (
    <form class="form" onSubmit={run}>
      <Field name={t('signIn.name')}>
        <input required autoComplete="username" value={name.value} onInput={(e) => put(name, e.currentTarget.value)} />
      </Field>
      <Field name={t('signIn.password')}>
        <input
          required
          type="password"
          autoComplete="current-password"
          value={password.value}
          onInput={(e) => put(password, e.currentTarget.value)}
        />
      </Field>
      <Failed of={doing} />
      <button type="submit" class="main-act" disabled={doing.busy}>
        {t('signIn.act')}
      </button>
    </form>
  )
}

export function SignInPage() {
  const load = useLoad('sign-in', (signal) => get<SignInWays>('/api/v1/sign-in', {}, signal))
  return (
    <Gate title={t('signIn.title')}>
      <Seen load={load} rows={3}>
        {({ passwords, providers }) => (
          <>
            {providers.map(({ name, title }) => (
              <a key={name} class="button" href={`/api/v1/sign-in/${part(name)}`} target="_self">
                {t('signIn.with', { provider: title })}
              </a>
            ))}
            {passwords && providers.length > 0 && <div class="or">{t('signIn.or')}</div>}
            {passwords && <Password />}
            {!passwords && providers.length === 0 && <p>{t('signIn.noWay')}</p>}
          </>
        )}
      </Seen>
      <p class="small muted">{t('signIn.lost')}</p>
    </Gate>
  )
}

/** A new user chooses a name and a password; a link that signs somebody in needs neither. */
function Newcomer({ link }: { readonly link: string }) {
  const [name, password] = [useSignal(''), useSignal('')]
  const doing = useDoing()
  const run = (event: Event) => {
    event.preventDefault()
    doing.run(async () => {
      const body = { link, name: name.value, password: password.value }
      entered((await send<Me>('POST', '/api/v1/links/open', { body })).value)
    })
  }
  return (
    <form class="form" onSubmit={run}>
      <p>{t('welcome.choose')}</p>
      <Field name={t('signIn.name')} hint={t('welcome.nameHint')}>
        <input
          required
          autoComplete="username"
          maxLength={64}
          value={name.value}
          onInput={(e) => put(name, e.currentTarget.value)}
        />
      </Field>
      <Field name={t('signIn.password')} hint={t('welcome.passwordHint')}>
        <input
          required
          type="password"
          autoComplete="new-password"
          minLength={12}
          value={password.value}
          onInput={(e) => put(password, e.currentTarget.value)}
        />
      </Field>
      <Failed of={doing} />
      <button type="submit" class="main-act" disabled={doing.busy}>
        {t('welcome.act')}
      </button>
    </form>
  )
}

/** The page of one-time links: what stands behind the # is sent in a body only, and leaves the address at once. */
export function WelcomePage() {
  const link = useSignal('')
  const step = useSignal<'looking' | 'new' | 'unknown'>('looking')
  useSignalEffect(() => {
    if (link.peek() !== '') return
    link.value = location.hash.slice(1)
    history.replaceState(null, '', location.pathname)
    send<Me>('POST', '/api/v1/links/open', { body: { link: link.value } }).then(
      ({ value }) => entered(value),
      (err: unknown) => put(step, isFault(err) && err.code === 'BODY_INVALID' && link.value !== '' ? 'new' : 'unknown'),
    )
  })
  return (
    <Gate title={t('welcome.title')}>
      {step.value === 'looking' && <Bones rows={3} />}
      {step.value === 'new' && <Newcomer link={link.value} />}
      {step.value === 'unknown' && (
        <>
          <p>{t('welcome.unknown')}</p>
          <a class="button" href="/sign-in">
            {t('signIn.title')}
          </a>
        </>
      )}
    </Gate>
  )
}
