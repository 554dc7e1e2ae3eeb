import { t } from '../i18n/index.ts'
import { shortId } from '../pure/format.ts'
import { addressOf } from '../pure/paths.ts'
import type { Link } from '../state/live.ts'
import type { SilentCluster, SwarmRow } from '../state/views.ts'
import { Mark, type Tone } from './ui.tsx'

/** A digest or id in short; the whole of it is its title. */
export const Id = ({ text }: { readonly text: string }) => <code title={text}>{shortId(text)}</code>

export const Repository = ({ name }: { readonly name: string }) => (
  <a href={addressOf('image', { repository: name })}>{name}</a>
)

export const SwarmLink = ({ cluster, swarmId, digest }: Pick<SwarmRow, 'cluster' | 'swarmId' | 'digest'>) => (
  <a href={addressOf('swarm', { cluster, swarm: swarmId })}>
    <Id text={digest ?? swarmId} />
  </a>
)

export const PeerLink = ({ cluster, peerId, children }: { cluster: string; peerId: string; children: string }) => (
  <a href={addressOf('node', { cluster, peer: peerId })} class="mono">
    {children}
  </a>
)

const swarmTones = { downloading: 'live', starving: 'bad', seeded: 'good' } as const

export const SwarmMark = ({ state }: Pick<SwarmRow, 'state'>) => (
  <Mark tone={swarmTones[state]}>{t(`swarmState.${state}`)}</Mark>
)

const linkTones = { opening: 'plain', open: 'live', away: 'bad', ended: 'plain' } as const

/** Whether what is shown is followed by a stream now. */
export const LinkMark = ({ link }: { readonly link: Link }) => <Mark tone={linkTones[link]}>{t(`link.${link}`)}</Mark>

const healthTones: Readonly<Record<string, Tone>> = {
  ...{ ok: 'good', good: 'good', degraded: 'warn', probation: 'warn', draining: 'warn' },
  ...{ unreachable: 'bad', away: 'bad', out: 'bad', banned: 'bad', empty: 'plain' },
}
const healthNames = [
  ...(['ok', 'good', 'degraded', 'probation', 'draining', 'unreachable', 'away', 'out', 'banned', 'empty'] as const),
]

export function HealthMark({ state }: { readonly state: string }) {
  const known = healthNames.find((each) => each === state)
  return <Mark tone={healthTones[state] ?? 'plain'}>{known === undefined ? state : t(`health.${known}`)}</Mark>
}

/** Clusters that could not be asked: what is shown lacks theirs. */
export const Silent = ({ of }: { readonly of: readonly SilentCluster[] }) =>
  of.length === 0 ? null : (
    <div class="trouble soft" role="status">
      <h2>{t('list.silent', { n: of.length })}</h2>
      <p>{of.map(({ cluster, code }) => `${cluster} (${code})`).join(', ')}</p>
    </div>
  )

/** A text that is filtered by, kept in the address of the page. */
interface SoughtProps {
  readonly label: string
  readonly value: string
  readonly onSeek: (text: string) => void
}

export const Sought = ({ label, value, onSeek }: SoughtProps) => (
  <search>
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const field = event.currentTarget.elements.namedItem('text')
        onSeek(field instanceof HTMLInputElement ? field.value.trim() : '')
      }}
    >
      <input key={value} name="text" type="search" aria-label={label} placeholder={label} defaultValue={value} />
    </form>
  </search>
)
