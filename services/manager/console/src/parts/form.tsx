import { type Signal, useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { type Fault, isFault } from '../state/api.ts'
import { put } from '../state/put.ts'
import { Dialog, Trouble } from './ui.tsx'

interface FieldProps {
  readonly name: string
  readonly hint?: string
  readonly children: ComponentChildren
}

export const Field = ({ name, hint, children }: FieldProps) => (
  // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children
  <label class="field">
    <span>{name}</span>
    {children}
    {hint !== undefined && <small>{hint}</small>}
  </label>
)

export interface Doing {
  readonly busy: boolean
  readonly fault: Fault | undefined
  /** Does it, and then what comes after it; notes why it failed. */
  readonly run: (work: () => Promise<void>) => void
}

/** Something that somebody does: that it is under way, and why it failed. */
export function useDoing(): Doing {
  const busy = useSignal(false)
  const fault = useSignal<Fault | undefined>(undefined)
  const run = async (work: () => Promise<void>) => {
    busy.value = true
    fault.value = undefined
    try {
      await work()
    } catch (err) {
      fault.value = isFault(err) ? err : { status: 0, code: 'UNEXPECTED', message: String(err), requestId: undefined }
    } finally {
      busy.value = false
    }
  }
  return { busy: busy.value, fault: fault.value, run: (work) => void run(work) }
}

export const Failed = ({ of }: { readonly of: Doing }) => (of.fault === undefined ? null : <Trouble fault={of.fault} />)

interface SureProps {
  readonly title: string
  /** What becomes of what. */
  readonly what: string
  /** Word of the button. */
  readonly act: string
  readonly close: () => void
  readonly work: () => Promise<void>
}

/** Asks before something that cannot be taken back. When it fails, the question stays, and says why. */
export function Sure({ title, what, act, close, work }: SureProps) {
  const doing = useDoing()
  const run = () => doing.run(work)
  return (
    <Dialog title={title} close={close} act={{ text: act, run, danger: true, busy: doing.busy }}>
      <p>{what}</p>
      <Failed of={doing} />
    </Dialog>
  )
}

/** Changes some fields of a form. */
export const changer =
  <Fields extends object>(fields: Signal<Fields>) =>
  (change: Partial<Fields>) =>
    put(fields, { ...fields.peek(), ...change })

interface ChooseProps<T extends string> {
  readonly label: string
  readonly value: T | ''
  readonly options: readonly (readonly [value: T, text: string])[]
  /** For no choice. */
  readonly any: string
  readonly onChoose: (value: T | undefined) => void
}

export const Choose = <T extends string>({ label, value, options, any, onChoose }: ChooseProps<T>) => (
  <select
    aria-label={label}
    value={value}
    onChange={({ currentTarget }) => onChoose(options.find(([each]) => each === currentTarget.value)?.[0])}
  >
    <option value="">{any}</option>
    {options.map(([each, text]) => (
      <option key={each} value={each}>
        {text}
      </option>
    ))}
  </select>
)
