import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { type TextKey, t } from './i18n/index.ts'
import { pages } from './pages/index.ts'
import { SignInPage, WelcomePage } from './pages/sign-in.tsx'
import { Find, Help } from './parts/keys.tsx'
import { LanguageSwitch, ThemeSwitch } from './parts/switches.tsx'
import { Bones, Card, Empty, Told } from './parts/ui.tsx'
import { addressOf, type ConsolePage } from './pure/paths.ts'
import { go, place } from './state/here.ts'
import { put } from './state/put.ts'
import { may, standing } from './state/session.ts'

interface Entry {
  readonly page: ConsolePage
  readonly text: TextKey
  /** What one has to be allowed to read. */
  readonly needs?: string
  /** Pages that stand under it. */
  readonly also?: readonly ConsolePage[]
}

const menu: readonly { readonly title: TextKey; readonly entries: readonly Entry[] }[] = [
  {
    title: 'nav.watch',
    entries: [
      { page: 'overview', text: 'nav.overview', needs: 'swarms' },
      { page: 'swarms', text: 'nav.swarms', needs: 'swarms', also: ['swarm'] },
      { page: 'images', text: 'nav.images', needs: 'images', also: ['image', 'content'] },
      { page: 'nodes', text: 'nav.nodes', needs: 'members', also: ['node', 'pull'] },
      { page: 'clusters', text: 'nav.clusters', needs: 'clusters', also: ['cluster'] },
    ],
  },
  {
    title: 'nav.work',
    entries: [
      { page: 'jobs', text: 'nav.jobs', needs: 'jobs', also: ['job', 'newJob'] },
      { page: 'schedules', text: 'nav.schedules', needs: 'schedules', also: ['scheduleForm'] },
    ],
  },
  {
    title: 'nav.steer',
    entries: [
      { page: 'settings', text: 'nav.settings', needs: 'settings', also: ['setting', 'effective'] },
      { page: 'relations', text: 'nav.relations', needs: 'clusters', also: ['relation'] },
      { page: 'rollouts', text: 'nav.rollouts', needs: 'settings', also: ['rollout'] },
    ],
  },
  {
    title: 'nav.people',
    entries: [
      { page: 'users', text: 'nav.users', needs: 'users' },
      { page: 'tokens', text: 'nav.tokens' },
      { page: 'registryUsers', text: 'nav.registryUsers', needs: 'rights', also: ['registryUser'] },
      { page: 'audit', text: 'nav.audit', needs: 'audit' },
    ],
  },
]

const Menu = () => (
  <nav aria-label={t('nav.all')}>
    <a class="brand" href="/">
      <img src="/icon.svg" alt="" /> shoal
    </a>
    {menu.map(({ title, entries }) => {
      const shown = entries.filter(({ needs }) => needs === undefined || may(needs, 'read'))
      return (
        shown.length > 0 && (
          <div key={title}>
            <h2>{t(title)}</h2>
            <ul>
              {shown.map(({ page, text, also = [] }) => {
                const here = place.value?.page
                const current = here !== undefined && [page, ...also].includes(here)
                return (
                  <li key={page}>
                    <a href={addressOf(page)} {...(current && { 'aria-current': 'page' as const })}>
                      {t(text)}
                    </a>
                  </li>
                )
              })}
            </ul>
          </div>
        )
      )
    })}
  </nav>
)

const Unknown = () => (
  <Card>
    <Empty title={t('state.unknownTitle')}>
      {t('state.unknown')} <a href="/">{t('nav.overview')}</a>
    </Empty>
  </Card>
)

function Shell({ name }: { readonly name: string }) {
  const main = useRef<HTMLElement>(null)
  const helping = useSignal(false)
  const here = place.value
  const where = here === undefined ? 'unknown' : addressOf(here.page, here.params)
  const first = useRef(true)
  useEffect(() => {
    const heading = main.current?.querySelector('h1')?.textContent
    document.title = heading === undefined ? 'shoal' : `${heading} · shoal`
    // Whoever reads with the ears hears of the new page.
    if (!first.current) main.current?.focus({ preventScroll: true })
    first.current = false
  }, [where])
  const Page = here === undefined ? undefined : pages[here.page]
  return (
    <div class="shell">
      <a class="skip" href="#main">
        {t('shell.skip')}
      </a>
      <div class="side">
        <Menu />
      </div>
      <header class="top">
        <Find help={() => put(helping, true)} />
        <span class="spacer" />
        <LanguageSwitch />
        <ThemeSwitch />
        <button type="button" class="plain" aria-label={t('help.title')} onClick={() => put(helping, true)}>
          ?
        </button>
        <a href={addressOf('account')}>{name}</a>
      </header>
      <main class="main" id="main" tabIndex={-1} ref={main}>
        {here === undefined || Page === undefined ? <Unknown /> : <Page key={where} {...here} />}
      </main>
      {helping.value && <Help close={() => put(helping, false)} />}
      <Told />
    </div>
  )
}

export function App() {
  const { value: now } = standing
  const page = place.value?.page
  useEffect(() => {
    if (now.is !== 'out' || page === 'signIn' || page === 'welcome') return
    go(addressOf('signIn', {}, { next: location.pathname + location.search }), 'replace')
  }, [now.is, page])
  if (page === 'welcome') return <WelcomePage />
  if (now.is === 'unknown') return <Bones rows={8} />
  if (now.is === 'out') return <SignInPage />
  return <Shell name={now.me.name.replace(/^(user|token):/, '')} />
}
