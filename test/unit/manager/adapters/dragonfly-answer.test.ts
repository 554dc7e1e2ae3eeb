import { expect, test } from '@jest/globals'
import { dragonflyAnswer, type JobFacts } from '../../../../services/manager/adapters/dragonfly-answer.ts'
import type { Content, Job, NewPart, Part } from '../../../../services/manager/jobs/model.ts'
import { partsOfContent, planParts } from '../../../../services/manager/jobs/plan-parts.ts'

const digestOf = (digit: string) => `sha256:${digit.repeat(64)}`
const urlOf = (name: string) => `https://harbor.example/v2/${name}/manifests/1`
const images = [
  { name: 'p/one', digest: digestOf('1'), layer: digestOf('a') },
  { name: 'p/two', digest: digestOf('2'), layer: digestOf('b') },
]

/** A job for two images that one cluster's agents have, as its parts follow from each other. */
function facts(withLinks = true): JobFacts {
  const spec = { kind: 'preheat', scope: 'agents', targets: images.map(({ name }) => urlOf(name)) } as const
  const job = { id: 'j', number: 1, kind: 'preheat', state: 'done', spec, createdAtMs: 1 } as unknown as Job
  const parts: Part[] = []
  const add = (part: NewPart, content?: Content) => {
    const made = { ...part, jobId: 'j', n: parts.length, state: 'done', content } as Part
    parts.push(made)
    return made
  }
  const contents = planParts(spec, { clusters: ['near'], ownNames: [], hasCredentials: false }).map((part, i) => {
    const { name = '', digest = '', layer = '' } = images[i] ?? {}
    return add(part, { digest, repository: `harbor.example/${name}`, items: [{ digest: layer }, { digest }] })
  })
  for (const part of contents)
    for (const next of partsOfContent(job, part, part.content as Content)) {
      const { order, target } = next.spec
      add(withLinks ? next : ({ ...next, spec: { order, target } } as NewPart))
    }
  const rows = [2, 3].map((part) => ({ part, host: `host-${part}`, state: 'done' }))
  return { job, parts, rows, clusterNumber: () => 1, clusterName: (id: string) => id } as unknown as JobFacts
}

const tasksIn = (given: JobFacts) => {
  const { result } = dragonflyAnswer(given) as {
    result: { job_states: readonly { results: readonly { success_tasks: readonly { url: string }[] }[] }[] }
  }
  return result.job_states.map(({ results }) => results.flatMap((each) => each.success_tasks.map(({ url }) => url)))
}

test('each part of a job for several images tells of the blobs of its own image, under its own URL', () => {
  const blob = (name: string, digest: string) => `https://harbor.example/v2/${name}/blobs/${digest}`
  expect(tasksIn(facts())).toEqual(images.map(({ name, digest, layer }) => [blob(name, layer), blob(name, digest)]))
})

test('a job of an older version finds the image by what is to be brought', () => {
  expect(tasksIn(facts(false)).map(([first]) => first)).toEqual([
    expect.stringContaining(images[0]?.layer ?? ''),
    expect.stringContaining(images[1]?.layer ?? ''),
  ])
})
