import { effect, signal } from '@preact/signals'
import { type Format, formatFor } from '../pure/format.ts'
import { addressOf, type Place, placeAt } from '../pure/paths.ts'
import { put } from './put.ts'

const UNKNOWN: Place = { page: 'overview', params: {}, query: {} }

/** The page that is shown; undefined for an address that is none. */
export const place = signal<Place | undefined>(placeAt(location.pathname, location.search))

const look = () => put(place, placeAt(location.pathname, location.search))
addEventListener('popstate', look)

/** Goes to an address of the console. */
export function go(address: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', address)
  else history.replaceState(null, '', address)
  look()
  if (how === 'push') scrollTo(0, 0)
}

/** Changes what is asked of the page that is shown; the address says it too. */
export function ask(query: Readonly<Record<string, string | undefined>>): void {
  const { page, params, query: before } = place.value ?? UNKNOWN
  go(addressOf(page, params, { ...before, ...query }), 'replace')
}

/** Links of ours change the page without loading it again. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
  const link = (event.target as Element | null)?.closest('a')
  if (link === null || link === undefined || link.origin !== location.origin || link.target !== '') return
  if (link.getAttribute('href')?.startsWith('#') === true) return
  event.preventDefault()
  go(link.pathname + link.search)
}

export const languages = ['en', 'zh'] as const
export type Language = (typeof languages)[number]
export const themes = ['auto', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

function kept<T extends string>(key: string, known: readonly T[], usual: T) {
  const found = known.find((each) => each === localStorage.getItem(key)) ?? usual
  const held = signal<T>(found)
  effect(() => localStorage.setItem(key, held.value))
  return held
}

export const language = kept<Language>(
  'shoal.language',
  languages,
  navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en',
)
export const theme = kept<Theme>('shoal.theme', themes, 'auto')

effect(() => {
  document.documentElement.lang = language.value === 'zh' ? 'zh-Hans' : 'en'
  document.documentElement.dataset['theme'] = theme.value
})

const formats: Readonly<Record<Language, Format>> = { en: formatFor('en-GB'), zh: formatFor('zh-CN') }

/** How numbers and times are written in the language that is shown. */
export const format = (): Format => formats[language.value]
