// Harbor's two drivers of preheats as they were traced: what they send byte for byte, and what Go takes of an answer.

/** One row of the table that Harbor makes of an answer. */
export interface HarborTask {
  readonly url: string
  readonly hostname: string
  readonly ip: string
  readonly description?: string
}

/** What Harbor reads of a job, after it has found it to be what Go's decoder takes. */
export interface HarborAnswer {
  readonly id: number
  readonly state: string
  readonly args: { readonly headers: unknown }
  readonly scheduler_clusters: unknown
  readonly result: {
    readonly job_states: readonly {
      readonly error: string
      readonly results: readonly {
        readonly scheduler_cluster_id: number
        readonly success_tasks: readonly HarborTask[] | null
        readonly failure_tasks: readonly HarborTask[] | null
      }[]
    }[]
  }
}

/** What the execution log of Harbor shows. */
export class HarborFailure extends Error {
  readonly status: number
  readonly body: string
  constructor(status: number, body: string) {
    super(`${status}: ${body}`)
    this.status = status
    this.body = body
  }
}

/** RFC 3339, as `time.Time` of Go takes it. */
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

function refuse(what: string): never {
  throw new TypeError(`Go would not take this answer: ${what}`)
}

function checkTasks({ job_states }: HarborAnswer['result']): void {
  for (const { scheduler_cluster_id: cluster, success_tasks, failure_tasks } of job_states.flatMap(
    ({ results }) => results,
  )) {
    if (!Number.isInteger(cluster) || cluster < 0) refuse('scheduler_cluster_id')
    for (const tasks of [success_tasks, failure_tasks]) if (tasks !== null && !Array.isArray(tasks)) refuse('tasks')
  }
}

function taken(text: string): HarborAnswer {
  const answer = JSON.parse(text) as HarborAnswer & { created_at: unknown; updated_at: unknown }
  if (!Number.isInteger(answer.id)) refuse('id')
  if (!/"id":\d+[,}]/.test(text)) refuse('id is written otherwise')
  for (const time of [answer.created_at, answer.updated_at])
    if (typeof time !== 'string' || !rfc3339.test(time)) refuse('time')
  if (typeof answer.state !== 'string') refuse('state')
  if (!/"result":\{/.test(text)) refuse('result')
  checkTasks(answer.result)
  return answer
}

export const tasksIn = ({ result }: HarborAnswer) => {
  const all = result.job_states.flatMap(({ results }) => results)
  return {
    success: all.flatMap(({ success_tasks }) => success_tasks ?? []),
    failure: all.flatMap(({ failure_tasks }) => failure_tasks ?? []),
  }
}

/** Keys in Harbor's order, with all the zeros. */
const preheatBody = (url: string, token: string, more: object) =>
  JSON.stringify({
    type: 'preheat',
    args: {
      ...{ type: 'image', url, tag: '', filtered_query_params: '', headers: { Authorization: token } },
      ...{ scope: '', concurrent_count: 0, timeout: 0 },
    },
    scheduler_cluster_ids: null,
    ...more,
  })

export interface Pushed {
  readonly repository: string
  readonly digest: string
  readonly url: string
  readonly tag: string
}

/** Go's names of fields, which carry no tags. */
const notification = ({ repository, digest, url, tag }: Pushed) =>
  JSON.stringify({
    Events: [
      {
        ...{ Id: 'd1f5a0c2', TimeStamp: '2026-01-02T03:04:05Z', Action: 'push' },
        Target: {
          MediaType: 'application/vnd.docker.distribution.manifest.v2+json',
          ...{ Digest: digest, Repository: repository, Url: url, Tag: tag },
        },
        ...{ Request: null, Actor: null },
      },
    ],
  })

export function harbor(endpoint: string, { authorization }: { readonly authorization: string }) {
  const send = async (method: 'GET' | 'POST', path: string, body?: string) => {
    const headers = {
      accept: 'application/json',
      authorization,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }
    const answer = await fetch(endpoint + path, { method, headers, ...(body !== undefined && { body }) })
    const text = await answer.text()
    // 208 means to Harbor that the job was given before, which it takes for an error.
    if (answer.status < 200 || answer.status > 299 || answer.status === 208)
      throw new HarborFailure(answer.status, text)
    return { status: answer.status, text }
  }
  return {
    healthy: async () => (await send('GET', '/healthy')).text,
    preheat: async (url: string, token: string, more: object = {}) =>
      taken((await send('POST', '/oapi/v1/jobs', preheatBody(url, token, more))).text),
    async poll(id: number) {
      const answer = taken((await send('GET', `/oapi/v1/jobs/${id}`)).text)
      if (!['PENDING', 'SUCCESS', 'FAILURE'].includes(answer.state)) refuse(`state ${answer.state} counts as a failure`)
      return answer
    },
    krakenHealthy: async () => (await send('GET', '/health')).status,
    notify: async (pushed: Pushed) => (await send('POST', '/registry/notifications', notification(pushed))).status,
  }
}
