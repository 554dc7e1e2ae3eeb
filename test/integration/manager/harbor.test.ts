import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../../kit/eventually.ts'
import { listening } from '../../kit/listening.ts'
import { type HarborAnswer, harbor, tasksIn } from '../../kit/manager/harbor.ts'
import { type JobsLab, jobsLab } from '../../kit/manager/jobs-lab.ts'
import { everySecret } from '../../kit/secrets.ts'

/** What Harbor shows to read an image; nobody else may ever see it. */
const TOKEN = 'Bearer eyJhbGciOi.the-token-of-the-distributor.sig'

let lab: JobsLab
/** A registry as Harbor's: it shows its manifests to who shows the token, and nothing of blobs. */
let registry: { readonly url: string } & AsyncDisposable
const manifests = new Map<string, { readonly bytes: Uint8Array; readonly mediaType: string; readonly digest: string }>()
let hold: Promise<void> = Promise.resolve()
let asked = 0

/** As Harbor does. */
function answer(req: IncomingMessage, res: ServerResponse): void {
  if (req.headers.authorization !== TOKEN) return void res.writeHead(401).end()
  const found = manifests.get(req.url ?? '')
  if (found === undefined) return void res.writeHead(404).end()
  res.writeHead(200, { 'content-type': found.mediaType, 'docker-content-digest': found.digest }).end(found.bytes)
}

beforeAll(async () => {
  registry = await listening(
    createServer((req, res) => {
      asked += 1
      void hold.then(() => answer(req, res))
    }),
  )
  const { host } = new URL(registry.url)
  lab = await jobsLab({
    agents: 1,
    overrides: [`manager.jobs.allow=["${host}"]`, `manager.jobs.ownNames=["${host}"]`],
  })
  // Whichever test comes first: clusters have their integers in the order in which they are asked for.
  const clusters = await fetch(`${lab.url}/oapi/v1/clusters`, { headers: { authorization: basic } })
  expect(await clusters.json()).toMatchObject([{ id: 1, name: 'herd' }])
})
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
  await registry[Symbol.asyncDispose]()
})

async function pushed(name: string, tag = '1.0') {
  const image = await lab.push(name, tag)
  const path = `/v2/${name}/manifests/${tag}`
  manifests.set(path, image.manifest)
  return { image, url: registry.url + path }
}

const basic = `Basic ${Buffer.from(`harbor:${everySecret.admin}`).toString('base64')}`
const client = (authorization = basic) => harbor(lab.url, { authorization })

/** Any poll that fails, or says something else than the three words, is the end at Harbor. */
async function ended(id: number): Promise<HarborAnswer> {
  const last = await eventually(async () => {
    const answer = await client()
      .poll(id)
      .catch((err: unknown) => ({ state: 'refused', err }))
    expect(answer.state).not.toBe('PENDING')
    return answer
  })
  if ('err' in last) throw last.err
  return last
}

describe('the provider for Dragonfly', () => {
  test('is healthy, gives a job, polls it, and finds each layer in its table', async () => {
    const { image, url } = await pushed('p/good')
    expect(await client().healthy()).toBe('"OK"')
    const given = await client().preheat(url, TOKEN)
    const done = await ended(given.id)
    expect(done.state).toBe('SUCCESS')
    const { success, failure } = tasksIn(done)
    const digests = [image.config, ...image.layers, image.manifest].map(({ digest }) => digest)
    expect(success.map((task) => task.url).toSorted()).toEqual(
      digests.map((digest) => `${registry.url}/v2/p/good/blobs/${digest}`).toSorted(),
    )
    expect(success.every(({ hostname }) => /^origin-\d$/.test(hostname))).toBe(true)
    expect(failure).toEqual([])
  })

  test.each([
    ['what the registry does not show to it', 'p/refused', 'Bearer another', /REGISTRY_REFUSED/],
    ['what is not there', 'p/none', TOKEN, /MANIFEST_UNKNOWN/],
  ])('fails well for %s', async (_what, name, token, error) => {
    const url = `${registry.url}/v2/${name}/manifests/1.0`
    if (name === 'p/refused') await pushed(name)
    const done = await ended((await client().preheat(url, token)).id)
    expect(done.state).toBe('FAILURE')
    expect(done.result.job_states.map((each) => each.error).join()).toMatch(error)
  })

  test('fails at once for what is no image, with a short sentence', async () => {
    await expect(client().preheat('http://harbor.example/p/r', TOKEN)).rejects.toMatchObject({ status: 422 })
    await expect(client().preheat('http://10.0.0.1/v2/p/r/manifests/1', TOKEN)).rejects.toMatchObject({ status: 403 })
    await expect(client().poll(987_654)).rejects.toMatchObject({
      status: 404,
      body: expect.stringContaining('"message"'),
    })
    await expect(client('Bearer nobody').preheat('x', TOKEN)).rejects.toMatchObject({ status: 401 })
  })

  test('is served on when the manager is killed in the middle of a job that needs no credentials any more', async () => {
    const { url } = await pushed('p/killed')
    const { id } = await client().preheat(url, TOKEN)
    await eventually(async () => {
      const { parts } = await lab.manager.job({ id: (await lab.manager.jobs({ n: '1' })).jobs[0]?.id ?? '' })
      expect(parts[0]?.state).toBe('done')
    })
    await lab.restart()
    expect((await ended(id)).state).toBe('SUCCESS')
  })

  test('is told the truth when the credentials were lost with the process', async () => {
    const { url } = await pushed('p/lost')
    let free: () => void = () => undefined
    hold = new Promise((resolve) => {
      free = resolve
    })
    const before = asked
    const { id } = await client().preheat(url, TOKEN)
    await eventually(() => expect(asked).toBeGreaterThan(before))
    await lab.restart()
    free()
    const done = await ended(id)
    expect(done.state).toBe('FAILURE')
    expect(done.result.job_states[0]?.error).toMatch(/CREDENTIALS_LOST/)
  })

  test('shows nobody what it was given: in no answer, no log, no file', async () => {
    const { url } = await pushed('p/secret')
    const { id } = await client().preheat(url, TOKEN)
    const done = await ended(id)
    expect(done.args.headers).toEqual({ Authorization: '*****' })
    const { jobs } = await lab.manager.jobs({})
    const { audit } = await lab.manager.audit({})
    const { readdir, readFile } = await import('node:fs/promises')
    const folder = `${lab.shoal.data}/manager-1`
    const files = await Promise.all((await readdir(folder)).map((name) => readFile(`${folder}/${name}`, 'latin1')))
    for (const text of [JSON.stringify([done, jobs, audit]), lab.shoal.logs('manager-1'), ...files])
      expect(text).not.toContain('the-token-of-the-distributor')
  })
})

describe('the provider for Kraken', () => {
  test('is healthy, and what it tells of is brought to the origins', async () => {
    const { image, url } = await pushed('p/kraken')
    expect(await client().krakenHealthy()).toBe(200)
    expect(await client().notify({ repository: 'p/kraken', digest: image.manifest.digest, url, tag: '1.0' })).toBe(200)
    const { jobs } = await lab.manager.jobs({ n: '1' })
    expect(await lab.ended(jobs[0]?.id ?? '')).toMatchObject({ kind: 'preheat', state: 'done', rows: { failed: 0 } })
  })
})

describe('other tools of Dragonfly', () => {
  const get = async (path: string) => {
    const answer = await fetch(lab.url + path, { headers: { authorization: `Bearer ${everySecret.admin}` } })
    return { status: answer.status, link: answer.headers.get('link'), body: (await answer.json()) as never }
  }

  test('list jobs by pages, the newest first, with links that stay within the pages', async () => {
    const { url } = await pushed('p/listed')
    for (let i = 0; i < 2; i += 1) await client().preheat(url, TOKEN)
    const { body, link } = await get('/oapi/v1/jobs?page=1&per_page=1')
    expect(body).toMatchObject([{ type: 'preheat', is_del: 0, user_id: 1 }])
    expect(link).toMatch(
      /^<\/oapi\/v1\/jobs\?page=1&per_page=1>;rel=prev,<\S+page=2\S+>;rel=next,<\S+>;rel=first,<\S+>;rel=last$/,
    )
  })

  test('find clusters by integers, and give jobs for them', async () => {
    const { body } = await get('/oapi/v1/clusters')
    expect(body).toMatchObject([
      {
        id: 1,
        name: 'herd',
        scheduler_cluster_id: 1,
        seed_peer_cluster_id: 1,
        peer_cluster_config: {},
        seed_peer_cluster_config: {},
      },
    ])
    expect((await get('/oapi/v1/clusters/1')).body).toMatchObject({
      id: 1,
      scheduler_cluster_config: { job_rate_limit: 10 },
    })
    expect((await get('/oapi/v1/clusters/9')).status).toBe(404)
    const { url } = await pushed('p/cluster')
    const given = await client().preheat(url, TOKEN, { scheduler_cluster_ids: [1] })
    expect((await ended(given.id)).scheduler_clusters).toEqual([{ id: 1, name: 'herd' }])
    await expect(client().preheat(url, TOKEN, { scheduler_cluster_ids: [9] })).rejects.toMatchObject({ status: 404 })
  })

  test('make clusters, change them and remove them', async () => {
    const send = async (method: string, id: string, body?: object) => {
      const answer = await fetch(`${lab.url}/oapi/v1/clusters${id}`, {
        method,
        headers: { authorization: basic, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as { readonly id: number }) }
    }
    const limits = { scheduler_cluster_config: {}, seed_peer_cluster_config: {}, peer_cluster_config: {} }
    const scopes = { idc: 'z1|z2', location: '', cidrs: ['10.9.0.0/16'], hostnames: null }
    const made = await send('POST', '', { name: 'other', bio: 'mine', is_default: true, scopes, ...limits })
    const { id = 0 } = made.body ?? {}
    const shown = { idc: 'z1|z2', location: '', cidrs: ['10.9.0.0/16'], hostnames: [] }
    expect(made).toMatchObject({
      status: 200,
      body: { name: 'other', bio: 'mine', is_default: true, is_del: 0, scheduler_cluster_id: id, scopes: shown },
    })
    expect([Number.isInteger(id), id > 1]).toEqual([true, true])
    const again = await send('POST', '', { name: 'other', ...limits })
    expect(again).toEqual({ status: 409, body: { message: expect.stringMatching(/^CLUSTER_EXISTS/) } })
    const changed = await send('PATCH', `/${id}`, { name: '', bio: 'yours' })
    expect(changed.body).toMatchObject({ id, name: 'other', bio: 'yours', is_default: false, scopes: shown })
    const bad = { idc: '', location: '', cidrs: ['10.9.0.0'], hostnames: [] }
    expect((await send('PATCH', `/${id}`, { scopes: bad })).body).toEqual({
      errors: expect.stringMatching(/^SCOPE_INVALID/),
    })
    expect(await send('DELETE', `/${id}`)).toEqual({ status: 200, body: undefined })
    expect((await send('DELETE', `/${id}`)).status).toBe(404)
    expect((await send('DELETE', '/1')).status).toBe(409)
    await lab.manager.changeCluster({ cluster: 'herd', body: { default: true } })
  })

  test('change the description of a job, and take it from the list', async () => {
    const { id } = await client().preheat((await pushed('p/changed')).url, TOKEN)
    const send = (method: string, body?: string) =>
      fetch(`${lab.url}/oapi/v1/jobs/${id}`, {
        method,
        headers: { authorization: basic, 'content-type': 'application/json' },
        ...(body !== undefined && { body }),
      })
    expect(await (await send('PATCH', '{"bio":"mine","user_id":0}')).json()).toMatchObject({ id, bio: 'mine' })
    const removed = await send('DELETE')
    expect([removed.status, await removed.text()]).toEqual([200, ''])
    expect((await send('GET')).status).toBe(404)
  })

  test('ask which hosts hold the layers of an image', async () => {
    const { image, url } = await pushed('p/held')
    await lab.ended(await lab.give({ kind: 'preheat', targets: ['p/held:1.0'], scope: 'agents' }))
    const body = { type: 'get_image_distribution', args: { url } }
    const answer = await fetch(`${lab.url}/oapi/v1/jobs`, {
      method: 'POST',
      headers: { authorization: basic, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const told = (await answer.json()) as { image: { layers: unknown[] }; peers: { cached_layers: unknown[] }[] }
    expect(told.image.layers).toHaveLength(image.layers.length + 2)
    expect(told.peers).toMatchObject([{ scheduler_cluster_id: 1, cached_layers: { length: told.image.layers.length } }])
    expect(new Set(told.peers[0]?.cached_layers)).toEqual(new Set(told.image.layers))
  })
})
