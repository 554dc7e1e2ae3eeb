/** What one look of a step has found. */
export interface Finding {
  readonly outcome: 'ok' | 'warn' | 'fail' | 'skipped'
  /** One line. */
  readonly text: string
  /** What to do about it. */
  readonly advice?: string
}

export const ok = (text: string): Finding => ({ outcome: 'ok', text })
export const warn = (text: string, advice: string): Finding => ({ outcome: 'warn', text, advice })
export const fail = (text: string, advice: string): Finding => ({ outcome: 'fail', text, advice })
/** The step cannot be done here; `text` says why. */
export const skipped = (text: string): Finding => ({ outcome: 'skipped', text })
