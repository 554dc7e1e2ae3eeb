/**
 * Waits until every node that had an agent has undone its set-up: until all pods of the DaemonSet are ready. Runs in a Job
 * before the chart is uninstalled. Exit code 1 after TIMEOUT (`300s`, `5m`), with the number of nodes that have not.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const { SERVER, ACCOUNT, DAEMON_SET, TIMEOUT } = process.env
const LOOK_MS = 1000

const [, count, unit] = /^(\d+)([sm])$/.exec(TIMEOUT) ?? []
const until = performance.now() + Number(count) * (unit === 'm' ? 60_000 : 1000)
const read = (name) => readFileSync(`${ACCOUNT}/${name}`, 'utf8').trim()

async function left() {
  const url = `${SERVER}/apis/apps/v1/namespaces/${read('namespace')}/daemonsets/${DAEMON_SET}`
  const answer = await fetch(url, {
    headers: { authorization: `Bearer ${read('token')}` },
    signal: AbortSignal.timeout(10_000),
  })
  const { metadata, status, message } = await answer.json()
  if (!answer.ok) throw new Error(`${answer.status} ${message}`)
  // Until the controller has seen the object, its numbers are zeros that say nothing.
  if (status?.observedGeneration !== metadata.generation) return undefined
  return status.desiredNumberScheduled - (status.numberReady ?? 0)
}

for (let last = ''; ; await sleep(LOOK_MS)) {
  const nodes = await left().catch((err) => String(err.message))
  if (nodes === 0) break
  const said =
    typeof nodes === 'number' ? `${nodes} nodes have not undone their set-up yet` : (nodes ?? 'not begun yet')
  if (said !== last) console.log(said)
  last = said
  if (performance.now() < until) continue
  console.error(
    'gave up; `shoal setup containerd --undo` does it on a node, and helm uninstall --no-hooks goes on without',
  )
  process.exit(1)
}
console.log('every node has undone its set-up')
