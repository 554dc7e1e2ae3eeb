import { connect } from 'node:net'
import { bareHost, deadline, onAbort } from '../../../lib/base/index.ts'
import { isLoopback } from '../../../lib/identity/index.ts'
import { sizeText, spanText } from '../admin/sheet.ts'
import { reachable } from '../own-address.ts'
import { type Answer, isThere, jsonOf, whyNot } from './answer.ts'
import { type Finding, fail, ok, skipped, warn } from './finding.ts'
import type { Visit } from './visit.ts'

const START = 'start it: shoal agent --config FILE; its log says why it stopped'

/** The agent's `/readyz`. */
export async function agentReady(visit: Visit): Promise<readonly Finding[]> {
  const answer = await visit.ready()
  if (!isThere(answer)) return [fail(whyNot(visit.init.urls.ops, answer.code), START)]
  const { missing, notes } = jsonOf(answer.text)
  const listed = (facts: unknown) =>
    Object.entries(Object(facts) as object)
      .map(([name, reason]) => `${name}: ${String(reason)}`)
      .join('; ')
  if (answer.status !== 200)
    return [fail(`the agent is not ready: ${listed(missing)}`, 'the reason names the part; see docs/operations.md')]
  if (notes !== undefined) return [warn(`the agent is ready, and says: ${listed(notes)}`, 'see its log')]
  return [ok('the agent is ready')]
}

/** The listeners that engines pull from. */
export async function agentRegistry(visit: Visit): Promise<readonly Finding[]> {
  const usual = registryAt(visit.init.urls.registry, await visit.registry(), 'give the right address: --agent URL')
  const further = await visit.further()
  return [
    usual,
    ...further.map(({ name, url, answer }) =>
      registryAt(url, answer, `look at the listener ${name} in registry.listeners; a change of it needs a restart`),
    ),
  ]
}

/** What a ping of a registry found there. */
function registryAt(url: string, answer: Answer, elsewhere: string): Finding {
  if (!isThere(answer)) return fail(whyNot(url, answer.code), START)
  if (answer.status === 401)
    return warn(`${url} wants a login for each pull`, 'set registry.anonymous: read at the agent, or log the engine in')
  if (answer.status !== 200) return fail(`${url}/v2/ answers ${answer.status}: this is no registry`, elsewhere)
  return ok(`the registry answers at ${url}`)
}

/** The address of the registry: only this machine should reach it. */
export function ownAddress(visit: Visit): Promise<readonly Finding[]> {
  const { hostname } = new URL(visit.init.urls.registry)
  const { listener, listeners } = visit.init.config.registry
  const bound = visit.init.isConfigGiven ? [listener, ...listeners].map(({ bind }) => bind.host) : []
  const open = [...new Set([bareHost(hostname), ...bound])].filter((each) => !isLoopback(each))
  if (open.length === 0) return Promise.resolve([ok(`the registry is at ${hostname}, which only this machine reaches`)])
  return Promise.resolve([
    warn(
      `other machines may reach the registry at ${open.join(', ')}`,
      'bind registry.listener, and each of registry.listeners, to 127.0.0.1; engines use plain HTTP without a word only there',
    ),
  ])
}

/** The port where other agents connect. */
export async function peerPort(visit: Visit): Promise<readonly Finding[]> {
  const { host, port } = visit.init.config.peer.bind
  if (port === 0) return [skipped('the config leaves the peer port to chance')]
  const isOpen = await accepts(visit, bareHost(reachable(host)), port)
  if (!isOpen) return [fail(`nothing listens on the peer port ${port}`, `${START}; or another program has the port`)]
  if (isLoopback(host))
    return [warn(`peers of other machines cannot reach ${host}:${port}`, 'bind peer to an address of the network')]
  return [ok(`the peer port ${port} is open; a firewall between machines is not seen from here`)]
}

function accepts(visit: Visit, host: string, port: number): Promise<boolean> {
  const limit = deadline(visit.init.clock, 3_000)
  const trying = new Promise<boolean>((resolve) => {
    const socket = connect({ host, port })
    const end = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.on('connect', () => end(true))
    socket.on('error', () => end(false))
    onAbort(limit.signal, () => end(false))
  })
  return trying.finally(() => limit.release())
}

/** The admin listener, with the secret of the caller. */
export async function agentAdminStep(visit: Visit): Promise<readonly Finding[]> {
  const told = await visit.rings()
  const { admin: url } = visit.init.urls
  if ('rings' in told) return [ok('the admin listener answers')]
  if (told.code === 'UNAUTHORIZED' || told.code === 'DENIED')
    return [fail(`${url} refuses the admin secret`, 'give --secrets FILE, --secret-file FILE or SHOAL_ADMIN_SECRET')]
  return [fail(`the admin listener cannot be asked: ${whyNot(url, told.code)}`, 'give its address: --url URL')]
}

const sample = (metrics: string, name: string): readonly number[] =>
  [...metrics.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].map(([, value]) => Number(value))

/** Room on the disk of the agent's store. */
export async function diskRoom(visit: Visit): Promise<readonly Finding[]> {
  const answer = await visit.metrics()
  if (!isThere(answer)) return [skipped('the agent does not tell its metrics')]
  const free = sample(answer.text, 'shoal_store_free_bytes')
  if (free.length === 0) return [skipped('the agent has not measured its disk yet')]
  const least = Math.min(...free)
  const { minFree } = visit.init.config.store
  const text = `${sizeText(least)} free on the disk of the store; the agent leaves ${sizeText(minFree)} to others`
  const advice = 'free some space, lower store.capacity, or move the folder of the agent to a larger disk'
  if (least < minFree) return [fail(text, advice)]
  return [least < 2 * minFree ? warn(text, advice) : ok(text)]
}

/** A difference that a person should look at, and one with which signed requests to object stores fail. */
const SKEW_WARN_MS = 5_000
const SKEW_FAIL_MS = 300_000

/** The clocks of the agent and of the services, by the Date of their answers, in whole seconds. */
export async function clockSkew(visit: Visit): Promise<readonly Finding[]> {
  const members = await visit.members()
  const answers = [
    { name: 'the agent', answer: await visit.ready() },
    ...members.map(({ id, answer }) => ({ name: id, answer })),
  ]
  const now = visit.init.clock.now()
  const skews = answers.flatMap(({ name, answer }) =>
    isThere(answer) && answer.dateMs !== undefined ? [{ name, ms: answer.dateMs - now }] : [],
  )
  if (skews.length === 0) return [skipped('nobody told the time')]
  const off = skews.filter(({ ms }) => Math.abs(ms) > SKEW_WARN_MS)
  if (off.length === 0) return [ok(`the clocks of ${skews.length} services and of this machine agree`)]
  return off.map(({ name, ms }) => {
    const text = `the clock of ${name} is ${spanText(Math.abs(ms))} ${ms > 0 ? 'ahead' : 'behind'}`
    const advice = 'let both machines keep their time by NTP'
    return Math.abs(ms) > SKEW_FAIL_MS ? fail(text, advice) : warn(text, advice)
  })
}
