import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Failed, Field, useDoing } from '../parts/form.tsx'
import { Changes, ComparisonMark, RolloutMark, SlotLink, stepText } from '../parts/steer.tsx'
import { Table } from '../parts/table.tsx'
import { Bar, Card, Dialog, Empty, Figures, Head, Seen, tell } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { actsIn, type Counts, isMoving, perHundred, type RolloutAct } from '../pure/rollout-plan.ts'
import { get, part, send } from '../state/api.ts'
import { format } from '../state/here.ts'
import { type Load, useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { may } from '../state/session.ts'
import type { DiffAnswer, Rollout, RolloutEvent, RolloutWhole, StepLook, StepRow } from '../state/steer.ts'

interface ActProps {
  readonly rollout: Rollout
  readonly act: RolloutAct
  readonly close: () => void
}

/** Changes the course of a roll-out, after a reason was given. */
function ActDialog({ rollout, act, close }: ActProps) {
  const reason = useSignal('')
  const doing = useDoing()
  const run = () =>
    doing.run(async () => {
      const body = { reason: reason.value.trim() }
      await send('POST', `/api/v1/rollouts/${part(rollout.id)}/${act}`, { body })
      tell(t(`rollout.did.${act}`))
      close()
    })
  const danger = act === 'roll-back' || act === 'halt'
  return (
    <Dialog
      title={t(`rollout.act.${act}`)}
      close={close}
      act={{ text: t(`rollout.act.${act}`), run, danger, busy: doing.busy || reason.value.trim() === '' }}
    >
      <p>{t(`rollout.what.${act}`)}</p>
      <Field name={t('node.reason')}>
        <input value={reason.value} maxLength={500} onInput={(e) => put(reason, e.currentTarget.value)} />
      </Field>
      <Failed of={doing} />
    </Dialog>
  )
}

function Acts({ rollout, again }: { readonly rollout: Rollout; readonly again: () => void }) {
  const chosen = useSignal<RolloutAct | undefined>(undefined)
  if (!may('settings', 'write')) return null
  return (
    <>
      {actsIn(rollout.state).map((act) => (
        <button
          key={act}
          type="button"
          class={act === 'roll-back' || act === 'halt' ? 'danger' : ''}
          onClick={() => put(chosen, act)}
        >
          {t(`rollout.act.${act}`)}
        </button>
      ))}
      {chosen.value !== undefined && (
        <ActDialog
          rollout={rollout}
          act={chosen.value}
          close={() => {
            chosen.value = undefined
            again()
          }}
        />
      )}
    </>
  )
}

const appliedOf = ({ hosts, behind, gone, refused }: StepLook) => Math.max(0, hosts - behind - gone - refused)

const Applied = ({ look }: { readonly look: StepLook }) => (
  <>
    {t('applied.of', { done: appliedOf(look), hosts: look.hosts })}
    <Bar done={appliedOf(look)} of={look.hosts} label={t('applied.by')} />
  </>
)

function Now({ rollout }: { readonly rollout: RolloutWhole }) {
  const { since, span } = format()
  const { state, step, steps, settled, sinceMs, plan } = rollout
  const look = rollout.history.at(-1)?.look
  const moves = state === 'running' || state === 'paused'
  return (
    <Figures
      facts={[
        { name: t('col.state'), value: <RolloutMark state={state} />, more: since(sinceMs, Date.now()) },
        {
          name: t('rollout.step'),
          value: t('rollout.stepOf', { step, steps }),
          ...(moves && {
            more: t(settled ? 'rollout.soaks' : 'rollout.waits', { soak: span(plan.soakSeconds * 1000) }),
          }),
        },
        { name: t('applied.by'), value: look === undefined ? '–' : <Applied look={look} /> },
        { name: t('col.version'), value: `${rollout.from ?? '–'} → ${rollout.to}` },
      ]}
    />
  )
}

const faults = (counts: Counts, of: 'errors' | 'stalls') => {
  const { number } = format()
  const rate = perHundred(counts, of)
  return `${number(counts[of])}${rate === undefined ? '' : ` (${t('rollout.perHundred', { n: rate })})`}`
}

/** How pulls go at those who have it, and at the others. */
const Compared = ({ look, plan }: { readonly look: StepLook; readonly plan: Rollout['plan'] }) => {
  const { number } = format()
  const sides = [
    { name: t('rollout.those'), counts: look.those },
    { name: t('rollout.others'), counts: look.others },
  ]
  return (
    <Card title={t('rollout.compared')} tight more={<ComparisonMark comparison={look.comparison} />}>
      <Table
        label={t('rollout.compared')}
        rows={sides}
        keyOf={({ name }) => name}
        columns={[
          { name: t('col.nodes'), of: ({ name }) => name },
          { name: t('overview.pulls'), end: true, of: ({ counts }) => number(counts.pulls) },
          { name: t('rollout.errors'), end: true, of: ({ counts }) => faults(counts, 'errors') },
          { name: t('rollout.stalls'), end: true, of: ({ counts }) => faults(counts, 'stalls') },
        ]}
      />
      <p class="foot muted">
        {t('rollout.rule', { pulls: plan.minPulls, errors: plan.errorsPerHundred, stalls: plan.stallsPerHundred })}
      </p>
    </Card>
  )
}

const Steps = ({ rollout }: { readonly rollout: RolloutWhole }) => {
  const { moment, number } = format()
  const rows = rollout.plan.steps.map((size, i) => ({
    ...{ size, step: i + 1 },
    seen: rollout.history.find(({ step }) => step === i + 1),
  }))
  const seenTime = (row: StepRow | undefined, which: 'beganAtMs' | 'endedAtMs') => {
    const at = row?.[which]
    return at === undefined ? '–' : moment(at)
  }
  return (
    <Card title={t('rollout.steps')} tight>
      <Table
        label={t('rollout.steps')}
        rows={rows}
        keyOf={({ step }) => String(step)}
        columns={[
          { name: t('rollout.step'), of: ({ step }) => step },
          { name: t('rollout.size'), of: ({ size }) => stepText(size) },
          { name: t('rollout.began'), of: ({ seen }) => seenTime(seen, 'beganAtMs') },
          { name: t('rollout.ended'), of: ({ seen }) => seenTime(seen, 'endedAtMs') },
          { name: t('applied.by'), of: ({ seen }) => seen?.look !== undefined && <Applied look={seen.look} /> },
          { name: t('applied.refused'), end: true, of: ({ seen }) => number(seen?.look?.refused ?? 0) },
          { name: t('rollout.gone'), end: true, of: ({ seen }) => number(seen?.look?.gone ?? 0) },
        ]}
      />
    </Card>
  )
}

const acts = ['begin', 'step', 'pause', 'resume', 'halt', 'rollBack', 'rolledBack', 'done'] as const
const isHalt = (reason: string) =>
  (['HOSTS_REFUSE', 'HEALTH_WORSE', 'HOSTS_SLOW', 'HOSTS_GONE'] as const).find((each) => each === reason)

function actText(act: string): string {
  const known = acts.find((each) => each === act)
  return known === undefined ? act : t(`rolloutAct.${known}`)
}

function reasonText(reason: string): string {
  const code = isHalt(reason)
  return code === undefined ? reason : t(`halt.${code}`)
}

const Happened = ({ events }: { readonly events: readonly RolloutEvent[] }) => {
  const { moment } = format()
  return (
    <Card title={t('rollout.happened')} tight>
      <Table
        label={t('rollout.happened')}
        rows={events}
        keyOf={({ id }) => id}
        columns={[
          { name: t('audit.when'), of: ({ atMs }) => moment(atMs) },
          { name: t('audit.who'), of: ({ actor }) => actor },
          { name: t('audit.did'), of: ({ act }) => actText(act) },
          { name: t('rollout.step'), end: true, of: ({ step }) => step },
          { name: t('node.reason'), of: ({ reason }) => reasonText(reason) },
          {
            name: t('rollout.seen'),
            of: ({ look }) =>
              look !== undefined &&
              t('rollout.look', {
                hosts: look.hosts,
                refused: look.refused,
                errors: look.those.errors,
                pulls: look.those.pulls,
              }),
          },
        ]}
      />
    </Card>
  )
}

/** Why it halted, which stays to be read after it was rolled back. */
const Halted = ({ rollout: { halt, state } }: { readonly rollout: Rollout }) =>
  halt === undefined ? null : (
    <div class="trouble" role="status">
      <h2>{t('rollout.halted')}</h2>
      <p>{t(`halt.${halt}`)}</p>
      <p class="small muted">
        <code>{halt}</code> · {t(state === 'halted' ? 'rollout.haltStays' : 'rollout.haltBack')}
      </p>
    </div>
  )

interface All {
  readonly rollout: RolloutWhole
  readonly events: readonly RolloutEvent[]
  readonly changes: DiffAnswer['changes']
}

async function read(id: string, signal: AbortSignal): Promise<All> {
  const address = `/api/v1/rollouts/${part(id)}`
  const [rollout, { events }] = await Promise.all([
    get<RolloutWhole>(address, {}, signal),
    get<{ readonly events: readonly RolloutEvent[] }>(`${address}/events`, { n: 1000 }, signal),
  ])
  const { changes } = await get<DiffAnswer>(
    '/api/v1/settings/diff',
    { from: rollout.from ?? 0, to: rollout.to },
    signal,
  )
  return { rollout, events, changes }
}

const Shown = ({ rollout, events, changes }: All) => {
  const look = rollout.history.findLast((each) => each.look !== undefined)?.look
  return (
    <>
      <Halted rollout={rollout} />
      <Now rollout={rollout} />
      <Steps rollout={rollout} />
      {look !== undefined && <Compared look={look} plan={rollout.plan} />}
      <Card title={t('settings.changes')} tight>
        <Changes label={t('settings.changes')} changes={changes} />
      </Card>
      {events.length === 0 ? <Empty title={t('rollout.noEvents')} /> : <Happened events={events} />}
    </>
  )
}

const stateOf = ({ now }: Load<All>) => (now.is === 'ready' ? now.value.rollout : undefined)

export function RolloutPage({ params: { id = '' } }: Place) {
  const moving = useSignal(true)
  const load = useLoad(
    `rollout/${id}`,
    async (signal) => {
      const all = await read(id, signal)
      moving.value = isMoving(all.rollout.state)
      return all
    },
    { everyMs: moving.value ? 1500 : 10_000 },
  )
  const rollout = stateOf(load)
  return (
    <>
      <Head
        above={<a href={addressOf('rollouts')}>{t('nav.rollouts')}</a>}
        title={rollout === undefined ? t('nav.rollout') : t('rollout.title', { version: String(rollout.to) })}
        what={rollout !== undefined && <SlotLink {...rollout} />}
      >
        {rollout !== undefined && <Acts rollout={rollout} again={load.again} />}
      </Head>
      <Seen load={load} rows={8}>
        {(all) => <Shown {...all} />}
      </Seen>
    </>
  )
}
