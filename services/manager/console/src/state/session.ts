import { computed, effect, signal } from '@preact/signals'
import { addressOf } from '../pure/paths.ts'
import { get, isFault, send, signedOut } from './api.ts'
import { go, place } from './here.ts'
import type { Grant, Me } from './shapes.ts'

export type Standing = { readonly is: 'unknown' } | { readonly is: 'out' } | { readonly is: 'in'; readonly me: Me }

export const standing = signal<Standing>({ is: 'unknown' })

/** Whether nobody could say who is calling, as the manager does not answer. */
export const silent = signal(false)

export async function whoAmI(): Promise<void> {
  try {
    standing.value = { is: 'in', me: await get<Me>('/api/v1/me') }
    silent.value = false
  } catch (err) {
    silent.value = isFault(err) && err.status !== 401 && err.status !== 403
    standing.value = { is: 'out' }
  }
}

effect(() => {
  if (!signedOut.value) return
  signedOut.value = false
  if (standing.peek().is !== 'unknown') standing.value = { is: 'out' }
})

export async function signOut(): Promise<void> {
  await send('POST', '/api/v1/sign-out').catch(() => undefined)
  standing.value = { is: 'out' }
  go(addressOf('signIn'))
}

/** After a sign-in: back to where somebody wanted to go. */
export function entered(me: Me): void {
  standing.value = { is: 'in', me }
  const next = place.value?.query['next'] ?? '/'
  go(next.startsWith('/') && !next.startsWith('//') ? next : '/')
}

const fits = (given: string, wanted: string) => given === '*' || given === wanted

export const grants = computed<readonly Grant[]>(() => (standing.value.is === 'in' ? standing.value.me.grants : []))

/** Whether the caller may do this; the manager decides again when it is asked. */
export const may = (resource: string, action: 'read' | 'write'): boolean =>
  grants.value.some((each) => fits(each.resource, resource) && (fits(each.action, action) || each.action === 'write'))
