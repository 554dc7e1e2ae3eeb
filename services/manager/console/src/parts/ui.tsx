import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { type TextKey, t } from '../i18n/index.ts'
import type { Fault } from '../state/api.ts'
import type { Load } from '../state/load.ts'
import { put } from '../state/put.ts'

type Kids = { readonly children?: ComponentChildren }

interface HeadProps extends Kids {
  readonly title: ComponentChildren
  readonly what?: ComponentChildren
  readonly above?: ComponentChildren
}

/** The title of a page, what it is about, and what can be done. */
export const Head = ({ title, what, above, children }: HeadProps) => (
  <div class="head">
    <div>
      {above !== undefined && <div class="crumbs">{above}</div>}
      <h1>{title}</h1>
      {what !== undefined && <p>{what}</p>}
    </div>
    <div class="actions">{children}</div>
  </div>
)

interface CardProps extends Kids {
  readonly title?: ComponentChildren
  readonly more?: ComponentChildren
  /** Its content has margins of its own. */
  readonly tight?: boolean
}

export function Card({ title, more, tight = false, children }: CardProps) {
  const id = useId()
  return (
    <section class="card" {...(title !== undefined && { 'aria-labelledby': id })}>
      {title !== undefined && (
        <header>
          <h2 id={id}>{title}</h2>
          {more}
        </header>
      )}
      <div class={tight ? 'body tight' : 'body'}>{children}</div>
    </section>
  )
}

export const Bones = ({ rows = 5 }: { readonly rows?: number }) => (
  <div class="bones" role="status" aria-label={t('state.loading')}>
    {Array.from({ length: rows }, (_, i) => (
      <i key={i} />
    ))}
  </div>
)

export const Empty = ({ title, children }: Kids & { readonly title: string }) => (
  <div class="note">
    <h2>{title}</h2>
    <p>{children}</p>
  </div>
)

const advice: Readonly<Record<string, TextKey>> = {
  NO_ANSWER: 'advice.noAnswer',
  UNAUTHORIZED: 'advice.signIn',
  DENIED: 'advice.denied',
  RIGHTS_EXCEEDED: 'advice.denied',
  CHANGED_MEANWHILE: 'advice.changed',
  TOOMANYREQUESTS: 'advice.wait',
  STREAM_SHARE_FULL: 'advice.wait',
  NO_HEALTHY_MEMBER: 'advice.cluster',
  CLUSTER_AWAY: 'advice.cluster',
  UNAVAILABLE: 'advice.cluster',
}

const adviceFor = ({ code, status }: Fault): TextKey =>
  advice[code] ?? (status === 404 ? 'advice.gone' : status >= 500 ? 'advice.server' : 'advice.input')

interface TroubleProps {
  readonly fault: Fault
  readonly again?: () => void
  readonly soft?: boolean
}

/** What failed: its code, its message, what to do, and by which number the log knows it. */
export const Trouble = ({ fault, again, soft = false }: TroubleProps) => (
  <div class={soft ? 'trouble soft' : 'trouble'} role="alert">
    <h2>{fault.message === '' ? t('state.failed') : fault.message}</h2>
    <p>{t(adviceFor(fault))}</p>
    <p class="small muted">
      <code>{fault.code}</code>
      {fault.requestId !== undefined && (
        <>
          {' · '}
          {t('state.request')} <code>{fault.requestId}</code>
        </>
      )}
    </p>
    {again !== undefined && (
      <div>
        <button type="button" onClick={again}>
          {t('act.again')}
        </button>
      </div>
    )}
  </div>
)

interface SeenProps<T> {
  readonly load: Load<T>
  readonly children: (value: T) => ComponentChildren
  readonly rows?: number
}

/** What was read, or that it is being read, or why it cannot be. */
export function Seen<T>({ load: { now, again }, children, rows = 5 }: SeenProps<T>) {
  if (now.is === 'loading') return <Bones rows={rows} />
  if (now.is === 'failed') return <Trouble fault={now.fault} again={again} />
  return (
    <>
      {now.stale !== undefined && <Trouble soft fault={now.stale} again={again} />}
      {children(now.value)}
    </>
  )
}

export type Tone = 'good' | 'warn' | 'bad' | 'live' | 'plain'

export const Mark = ({ tone, children }: Kids & { readonly tone: Tone }) => (
  <span class={`mark ${tone}`}>{children}</span>
)

export const Bar = ({ done, of, label }: { readonly done: number; readonly of: number; readonly label: string }) => {
  const percent = of > 0 ? Math.min(100, (100 * done) / of) : 0
  return (
    <div
      class="bar"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
    >
      <i style={{ width: `${percent}%` }} />
    </div>
  )
}

export interface Fact {
  readonly name: string
  readonly value: ComponentChildren
  readonly more?: ComponentChildren
}

export const Figures = ({ facts }: { readonly facts: readonly Fact[] }) => (
  <dl class="figures">
    {facts.map(({ name, value, more }) => (
      <div class="figure" key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
        {more !== undefined && <dd>{more}</dd>}
      </div>
    ))}
  </dl>
)

export const Facts = ({ facts }: { readonly facts: readonly Fact[] }) => (
  <dl class="facts">
    {facts.map(({ name, value }) => (
      <>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </>
    ))}
  </dl>
)

interface DialogProps extends Kids {
  readonly title: string
  readonly close: () => void
  readonly act?: { readonly text: string; readonly run: () => void; readonly danger?: boolean; readonly busy?: boolean }
}

/** A dialog over the page: Escape closes it, and the focus goes back to where it was. */
export function Dialog({ title, close, act, children }: DialogProps) {
  const at = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    at.current?.showModal()
  }, [])
  return (
    <dialog ref={at} aria-labelledby={id} onClose={close}>
      <header>
        <h2 id={id}>{title}</h2>
      </header>
      <div class="body">{children}</div>
      <footer>
        <button type="button" onClick={() => at.current?.close()}>
          {t(act === undefined ? 'act.close' : 'act.cancel')}
        </button>
        {act !== undefined && (
          <button
            type="button"
            class={act.danger === true ? 'danger' : 'main-act'}
            disabled={act.busy === true}
            onClick={act.run}
          >
            {act.text}
          </button>
        )}
      </footer>
    </dialog>
  )
}

const told = signal('')
let timer: ReturnType<typeof setTimeout> | undefined

/** Says for a moment that something was done. */
export function tell(text: string): void {
  told.value = text
  clearTimeout(timer)
  timer = setTimeout(() => put(told, ''), 4000)
}

export const Told = () => (
  <div role="status" aria-live="polite">
    {told.value !== '' && <div class="told">{told.value}</div>}
  </div>
)

/** A secret that is shown this once. */
export function Secret({ text }: { readonly text: string }) {
  const copy = () =>
    void navigator.clipboard.writeText(text).then(
      () => tell(t('act.copied')),
      () => tell(t('act.copyFailed')),
    )
  return (
    <div class="secret">
      <code>{text}</code>
      <button type="button" onClick={copy}>
        {t('act.copy')}
      </button>
    </div>
  )
}
