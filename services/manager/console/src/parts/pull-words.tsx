import { t } from '../i18n/index.ts'
import { shortId } from '../pure/format.ts'
import type { PullRow, Source, Wait } from '../state/pulls.ts'
import { Mark, type Tone } from './ui.tsx'

const outcomes = ['running', 'done', 'unread', 'left'] as const
const tones: Readonly<Record<string, Tone>> = { running: 'live', done: 'good', unread: 'plain', left: 'plain' }

/** How a pull ended; a failure by its code. */
export function OutcomeMark({ outcome }: Pick<PullRow, 'outcome'>) {
  const known = outcomes.find((each) => each === outcome)
  return (
    <Mark tone={tones[outcome] ?? 'bad'}>{known === undefined ? <code>{outcome}</code> : t(`outcome.${known}`)}</Mark>
  )
}

export const sourceText = ({ name, address }: Source): string => (name === undefined ? address : `${name} (${address})`)

/** What a pull waited for, and whose it was. */
export const WaitText = ({ cause, from }: Omit<Wait, 'ms'>) => (
  <>
    {t(`wait.${cause}`)}
    {from !== undefined && <span class="muted"> · {sourceText(from)}</span>}
  </>
)

/** A tag, or a digest in short. */
export const askedText = ({ reference }: Pick<PullRow, 'reference'>): string =>
  reference.startsWith('sha256:') ? shortId(reference) : reference
