import { describe, expect, test } from '@jest/globals'
import { appError } from '../../../lib/base/index.ts'
import { parseScope } from '../../../services/manager/settings/scope.ts'
import { eachManagerDatabase } from '../../kit/manager/databases.ts'
import { interruptedReads } from '../../kit/manager/interrupted-reads.ts'
import { planDefaults, settingsLab } from '../../kit/manager/settings-lab.ts'

const agents = { scope: parseScope('all'), kind: 'agent' }
const all = { count: 100, last: undefined }
const steps = [{ hosts: 1 }, { percent: 100 }]
const everybody = { hosts: {}, percent: 100 }
const noCounts = { pulls: 0, errors: 0, stalls: 0 }

eachManagerDatabase((open) => {
  describe('settings', () => {
    test('each change is a version that stays, with who made it and why', async () => {
      await using made = await open()
      const { set, store } = settingsLab(made)
      const first = await set({ log: 'info' })
      const second = await set({ log: 'debug' })
      expect(second).toMatchObject({ latest: second.wanted, values: { log: 'debug' } })
      const { rows } = await store.versions(agents, all)
      expect(rows.map(({ version, values }) => [version, values])).toEqual([
        [second.latest, { log: 'debug' }],
        [first.latest, { log: 'info' }],
      ])
      expect(await store.version(first.latest)).toMatchObject({ author: 'ada', reason: 'a test', kind: 'agent' })
    })

    test('are there after a restart', async () => {
      await using made = await open()
      await settingsLab(made).set({ log: 'info' })
      const { store } = settingsLab(await made.reopened())
      expect(await store.slot(agents)).toMatchObject({ values: { log: 'info' } })
    })

    test('a change is refused that its caller would not make if it saw what is there', async () => {
      await using made = await open()
      const { set, store } = settingsLab(made)
      await set({ log: 'info' })
      const late = store.set(
        { ...agents, values: {}, author: 'bo', reason: '-', plan: { ...planDefaults, steps }, atOnce: true },
        (slot) => {
          if (slot?.values['log'] === 'info') throw appError('CHANGED_MEANWHILE')
        },
      )
      await expect(late).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' })
      expect((await store.versions(agents, all)).rows).toHaveLength(1)
    })

    test('of two that set the same scope at once, one after the other is taken', async () => {
      await using made = await open()
      const { set, store } = settingsLab(made)
      await Promise.all(Array.from({ length: 10 }, (_, i) => set({ 'registry.clientRequests': i + 1 })))
      const { rows } = await store.versions(agents, all)
      expect(new Set(rows.map(({ version }) => version)).size).toBe(10)
      expect((await store.slot(agents)).latest).toBe(rows[0]?.version)
    })

    test('that are being rolled out are not set again until that has an end', async () => {
      await using made = await open()
      const { set, rollouts } = settingsLab(made)
      const { rollout } = await set({ log: 'info' }, { steps })
      await expect(set({ log: 'debug' })).rejects.toMatchObject({ code: 'ROLLOUT_ACTIVE' })
      await rollouts.act(rollout.id, { act: 'rollBack', actor: 'ada', reason: 'no' })
      await expect(set({ log: 'debug' })).resolves.toMatchObject({ values: { log: 'debug' } })
      expect((await rollouts.rollout(rollout.id)).progress.state).toBe('rolledBack')
    })

    test('scopes and versions come page by page, each once', async () => {
      await using made = await open()
      const { set, store } = settingsLab(made)
      for (let i = 0; i < 7; i += 1) await set({ log: 'info' }, { scope: `zone:${i}` })
      const names: string[] = []
      let last: string | undefined
      do {
        const page = await store.slots({ count: 3, last })
        names.push(...page.rows.map(({ scope }) => scope.name))
        last = page.next
      } while (last !== undefined)
      expect(names).toEqual(['0', '1', '2', '3', '4', '5', '6'])
    })

    test('are not more than a tracker takes', async () => {
      await using made = await open()
      const { set } = settingsLab(made)
      for (let i = 0; i < 100; i += 1) await set({}, { scope: `host:${i}` })
      await expect(set({}, { scope: 'host:one-more' })).rejects.toMatchObject({ code: 'SETTINGS_FULL' })
    })

    test('that are wanted are of one moment, whatever another manager changes while they are read', async () => {
      await using made = await open()
      const { set, work, store, rollouts, clock } = settingsLab(made)
      await set({ log: 'info' })
      const { rollout } = await set({ log: 'debug' }, { steps })
      await work.begin(await rollouts.rollout(rollout.id), { share: everybody, hosts: [], before: noCounts })
      const before = await store.wanted()
      const other = settingsLab({ database: await made.other() }, clock, 2)
      const meanwhile = () => other.rollouts.act(rollout.id, { act: 'rollBack', actor: 'bo', reason: 'it is bad' })
      const interrupted = interruptedReads(made.database, meanwhile)
      expect(await settingsLab({ database: interrupted }, clock, 3).store.wanted()).toEqual(before)
      expect(await store.wanted()).not.toEqual(before)
    })

    test('nobody knows a scope that was never set', async () => {
      await using made = await open()
      const { store } = settingsLab(made)
      await expect(store.slot(agents)).rejects.toMatchObject({ code: 'SETTINGS_UNKNOWN' })
      await expect(store.version(1)).rejects.toMatchObject({ code: 'SETTINGS_UNKNOWN' })
    })
  })

  test('a manager keeps its name over restarts', async () => {
    await using made = await open()
    const { identity } = settingsLab(made)
    await identity.start()
    const other = settingsLab(await made.reopened(), undefined, 2).identity
    await other.start()
    expect(other.id).toBe(identity.id)
  })
})
