import { useSignal } from '@preact/signals'
import { t } from '../i18n/index.ts'
import { Failed, Sure, useDoing } from '../parts/form.tsx'
import { About, JobLink, jobAdvice } from '../parts/jobs.tsx'
import { type Column, Pager, Table } from '../parts/table.tsx'
import { Card, Empty, Head, Mark, Seen } from '../parts/ui.tsx'
import { addressOf, type Place } from '../pure/paths.ts'
import { pausedOrNot } from '../pure/schedule-form.ts'
import { get, part, send } from '../state/api.ts'
import { ask, format } from '../state/here.ts'
import type { Schedule, SchedulesPage as SchedulesAnswer } from '../state/jobs.ts'
import { useLoad } from '../state/load.ts'
import { put } from '../state/put.ts'
import { may } from '../state/session.ts'

const When = ({ cron, timeZone, onPush }: Schedule) =>
  onPush === undefined ? (
    <>
      <code>{cron}</code> <span class="muted small">{timeZone}</span>
    </>
  ) : (
    <span>{t('schedules.onPush', { what: `${onPush.repository}:${onPush.tag ?? '*'}` })}</span>
  )

const Last = ({ lastAtMs, lastJob, lastCode, job }: Schedule) => {
  if (lastAtMs === undefined) return <span class="muted">{t('schedules.never')}</span>
  return (
    <>
      {format().since(lastAtMs, Date.now())}
      {lastJob !== undefined && (
        <div>
          <JobLink id={lastJob} kind={job.kind} />
        </div>
      )}
      {lastCode !== undefined && (
        <div>
          <code>{lastCode}</code> <span class="muted small">{jobAdvice(lastCode)}</span>
        </div>
      )}
    </>
  )
}

const Next = ({ enabled, onPush, nextAtMs }: Schedule) => {
  const { moment, since } = format()
  if (!enabled) return <span class="muted">–</span>
  if (onPush !== undefined) return <span>{t('schedules.nextPush')}</span>
  if (nextAtMs === undefined) return <span class="muted">–</span>
  return <span title={moment(nextAtMs)}>{`${moment(nextAtMs)} (${since(nextAtMs, Date.now())})`}</span>
}

const Acts = ({ schedule, again }: { readonly schedule: Schedule; readonly again: () => void }) => {
  const { name, enabled } = schedule
  const doing = useDoing()
  const removing = useSignal(false)
  const address = `/api/v1/schedules/${part(name)}`
  /** What somebody else has changed meanwhile is not undone. */
  const toggle = () =>
    doing.run(async () => {
      const { value, tag } = await send<Schedule>('GET', address)
      await send('PUT', address, { body: pausedOrNot(value, !enabled), seen: tag })
      again()
    })
  const remove = async () => {
    await send('DELETE', address)
    removing.value = false
    again()
  }
  return (
    <>
      <button type="button" class="plain" disabled={doing.busy} onClick={toggle}>
        {t(enabled ? 'schedules.pause' : 'schedules.resume')} <span class="hidden">{name}</span>
      </button>
      <button type="button" class="plain" disabled={doing.busy} onClick={() => put(removing, true)}>
        {t('schedules.delete')} <span class="hidden">{name}</span>
      </button>
      <Failed of={doing} />
      {removing.value && (
        <Sure
          title={t('schedules.deleteTitle', { name })}
          what={t('schedules.deleteWhat')}
          act={t('schedules.delete')}
          close={() => put(removing, false)}
          work={remove}
        />
      )}
    </>
  )
}

const ScheduleTable = ({ schedules, again }: SchedulesAnswer & { readonly again: () => void }) => {
  const mayWrite = may('schedules', 'write')
  const acts: Column<Schedule> = {
    name: t('col.acts'),
    end: true,
    of: (schedule) => <Acts schedule={schedule} again={again} />,
  }
  return (
    <Table
      label={t('nav.schedules')}
      rows={schedules}
      keyOf={({ name }) => name}
      columns={[
        {
          name: t('col.name'),
          of: ({ name }) => (mayWrite ? <a href={addressOf('scheduleForm', {}, { name })}>{name}</a> : name),
        },
        { name: t('schedules.when'), of: (each) => <When {...each} /> },
        {
          name: t('col.state'),
          of: ({ enabled }) => (
            <Mark tone={enabled ? 'good' : 'plain'}>{t(enabled ? 'schedules.active' : 'schedules.paused')}</Mark>
          ),
        },
        { name: t('schedules.next'), of: (each) => <Next {...each} /> },
        { name: t('schedules.last'), of: (each) => <Last {...each} /> },
        { name: t('col.kind'), of: ({ job }) => t(`jobKind.${job.kind}`) },
        {
          name: t('jobs.about'),
          of: ({ job, onPush }) => (onPush === undefined ? <About spec={job} /> : <code>{onPush.repository}</code>),
        },
        { name: t('col.by'), of: ({ by }) => by },
        ...(mayWrite ? [acts] : []),
      ]}
    />
  )
}

export function SchedulesPage({ query: { last } }: Place) {
  const asked = { last, n: 100 }
  const load = useLoad(
    `schedules?${JSON.stringify(asked)}`,
    (signal) => get<SchedulesAnswer>('/api/v1/schedules', asked, signal),
    { everyMs: 10_000 },
  )
  return (
    <>
      <Head title={t('nav.schedules')} what={t('schedules.what')}>
        {may('schedules', 'write') && (
          <a class="button main-act" href={addressOf('scheduleForm')}>
            {t('schedules.new')}
          </a>
        )}
      </Head>
      <Card tight>
        <Seen load={load}>
          {({ schedules, next }) => (
            <>
              {schedules.length === 0 ? (
                <Empty title={t('schedules.emptyTitle')}>{t('schedules.empty')}</Empty>
              ) : (
                <ScheduleTable schedules={schedules} again={load.again} />
              )}
              <Pager last={last} next={next} go={(to) => ask({ last: to })} />
            </>
          )}
        </Seen>
      </Card>
    </>
  )
}
