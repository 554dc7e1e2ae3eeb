import type { Signal } from '@preact/signals'

/** Gives a signal its value: a statement that can stand where a handler needs an expression. */
export function put<T>(to: Signal<T>, value: T): void {
  to.value = value
}
