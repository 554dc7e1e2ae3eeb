import { useEffect, useRef } from 'preact/hooks'
import { type TextKey, t } from '../i18n/index.ts'
import { whereTo } from '../pure/find.ts'
import { addressOf } from '../pure/paths.ts'
import { go } from '../state/here.ts'
import { Dialog } from './ui.tsx'

const writes = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(input|select|textarea)$/i.test(target.tagName))

/** Keys after `g`. */
const places = {
  o: 'overview',
  s: 'swarms',
  i: 'images',
  n: 'nodes',
  c: 'clusters',
  j: 'jobs',
  a: 'audit',
  e: 'settings',
  r: 'rollouts',
  u: 'registryUsers',
  l: 'relations',
} as const
const isPlace = (key: string): key is keyof typeof places => Object.hasOwn(places, key)

/** The search that is everywhere: `/` leads to it. `?` shows the keys, and `g` with a letter leads to a page. */
export function Find({ help }: { readonly help: () => void }) {
  const field = useRef<HTMLInputElement>(null)
  const helping = useRef(help)
  helping.current = help
  useEffect(() => {
    let leads = false
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || writes(event.target)) return
      if (document.querySelector('dialog[open]') !== null) return
      const { key } = event
      if (leads && isPlace(key)) go(addressOf(places[key]))
      leads = key === 'g'
      if (key === '?') helping.current()
      if (key !== '/') return
      event.preventDefault()
      field.current?.focus()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [])
  const seek = (event: Event) => {
    event.preventDefault()
    const asked = field.current?.value ?? ''
    if (asked.trim() === '') return
    go(whereTo(asked))
    if (field.current !== null) field.current.value = ''
  }
  return (
    <search class="find">
      <form onSubmit={seek}>
        <input
          ref={field}
          type="text"
          aria-label={t('find.label')}
          placeholder={t('find.label')}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.currentTarget.blur()
          }}
        />
        <kbd>/</kbd>
      </form>
    </search>
  )
}

const keys: readonly (readonly [key: string, what: TextKey])[] = [
  ['/', 'help.find'],
  ['?', 'help.help'],
  ['Esc', 'help.close'],
  ['g o', 'nav.overview'],
  ['g s', 'nav.swarms'],
  ['g i', 'nav.images'],
  ['g n', 'nav.nodes'],
  ['g c', 'nav.clusters'],
  ['g j', 'nav.jobs'],
  ['g e', 'nav.settings'],
  ['g r', 'nav.rollouts'],
  ['g l', 'nav.relations'],
  ['g a', 'nav.audit'],
  ['g u', 'nav.registryUsers'],
]

export const Help = ({ close }: { readonly close: () => void }) => (
  <Dialog title={t('help.title')} close={close}>
    <dl class="facts">
      {keys.map(([key, what]) => (
        <>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{t(what)}</dd>
        </>
      ))}
    </dl>
    <p class="muted">{t('help.search')}</p>
  </Dialog>
)
