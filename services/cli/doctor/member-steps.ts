import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { bareHost, clientContext, codeOf, deadline, isAppError, onAbort } from '../../../lib/base/index.ts'
import { isThere, whyNot } from './answer.ts'
import { type Finding, fail, ok, skipped, warn } from './finding.ts'
import type { MemberAnswer, Visit } from './visit.ts'

const DAY_MS = 86_400_000
const FEW_DAYS = 14

const hostOf = (url: string) => bareHost(new URL(url).hostname)

/** Where the config says that the members are named, asked from here, and compared with what the agent knows. */
export async function sources(visit: Visit): Promise<readonly Finding[]> {
  const changing = (await visit.sources()).filter(({ isFixed }) => !isFixed)
  if (changing.length === 0) return [skipped('all members stand in the config')]
  const told = await visit.rings()
  return changing.map((source) => {
    const { ring, what } = source
    if ('err' in source) {
      const { err } = source
      const why = isAppError(err) ? `${err.code}: ${err.message}` : (codeOf(err) ?? 'UNKNOWN')
      return fail(`the members of ${ring} cannot be read: ${why}`, `check ${what}, and the config of the agent`)
    }
    const known = 'rings' in told ? told.rings.find(({ name }) => name === ring)?.members : undefined
    const missing = source.members.filter(({ id }) => known?.some((member) => member.id === id) === false)
    const names = missing.map(({ id }) => id).join(', ')
    if (missing.length > 0)
      return warn(
        `the agent does not know ${names} of ${ring}, which ${what} names`,
        'its log says why; or wait a moment',
      )
    return ok(`${what} names ${source.members.length} members of ${ring}`)
  })
}

/** The names of the services. */
export async function names(visit: Visit): Promise<readonly Finding[]> {
  const hosts = [...new Set((await visit.members()).map(({ url }) => hostOf(url)))].filter((host) => isIP(host) === 0)
  if (hosts.length === 0) return [skipped('the services are given by address')]
  const looked = hosts.map(async (host) => {
    const found = await lookup(host).catch((err: unknown) => codeOf(err) ?? 'UNKNOWN')
    if (typeof found === 'string')
      return [fail(`the name ${host} has no address (${found})`, 'check the name in the config, and the DNS')]
    return []
  })
  const failed = (await Promise.all(looked)).flat()
  return failed.length > 0 ? failed : [ok(`${hosts.length} names have an address`)]
}

const describe = ({ ring, id, url }: MemberAnswer) => `${id} of ${ring} (${url})`

const isRefused = ({ answer }: MemberAnswer) => isThere(answer) && (answer.status === 401 || answer.status === 403)

/** Every tracker, origin and build-index, asked from here. */
export async function members(visit: Visit): Promise<readonly Finding[]> {
  const all = await visit.members()
  const findings = all.flatMap((member): readonly Finding[] => {
    const { answer, url } = member
    if (!isThere(answer))
      return [fail(`${describe(member)}: ${whyNot(url, answer.code)}`, 'start it, or look for a firewall in between')]
    if (answer.status >= 500)
      return [warn(`${describe(member)} answers ${answer.status}`, 'its /readyz and its log say what is wrong')]
    return []
  })
  return findings.length > 0 ? findings : [ok(`all ${all.length} services answer`)]
}

/** The services as the agent itself sees them. */
export async function ring(visit: Visit): Promise<readonly Finding[]> {
  if (!('rings' in (await visit.rings()))) return [skipped('the agent does not tell its rings')]
  const all = await visit.members()
  const out = all.filter(({ healthy }) => healthy === false)
  if (out.length === 0) return [ok('the agent leaves none of them out')]
  return out.map((member) =>
    warn(`the agent leaves out ${describe(member)}`, 'it failed a moment ago; see the step members'),
  )
}

/** The secret that the agent shows. */
export async function secrets(visit: Visit): Promise<readonly Finding[]> {
  const all = (await visit.members()).filter(({ answer }) => isThere(answer))
  const refused = all.filter(isRefused)
  if (all.length === 0) return [skipped('no service answers')]
  if (refused.length === 0) return [ok(`${all.length} services accept the secret of the agent`)]
  if (!visit.init.isConfigGiven)
    return [skipped('the services want a secret; give the config of the agent: --config FILE --secrets FILE')]
  return refused.map((member) =>
    fail(`${describe(member)} refuses the secret of the agent`, 'give both the same secrets.node'),
  )
}

/** Certificates, where services speak TLS. */
export async function certificates(visit: Visit): Promise<readonly Finding[]> {
  const urls = [visit.init.urls.registry, ...(await visit.members()).map(({ url }) => url)]
  const secure = [...new Set(urls.filter((url) => url.startsWith('https:')))]
  if (secure.length === 0) return [skipped('no listener speaks TLS')]
  return Promise.all(secure.map((url) => certificate(visit, url)))
}

function certificate(visit: Visit, url: string): Promise<Finding> {
  const { tls } = visit.init
  const { port } = new URL(url)
  const host = hostOf(url)
  const limit = deadline(visit.init.clock, 5_000)
  const looking = new Promise<Finding>((resolve) => {
    // It is looked at, not trusted: nothing is sent.
    const socket = connectTls({
      ...{ host, port: Number(port || 443), rejectUnauthorized: false },
      ...(tls !== undefined && { secureContext: clientContext(tls.now) }),
      ...(isIP(host) === 0 && { servername: host }),
    })
    const end = (finding: Finding) => {
      socket.destroy()
      resolve(finding)
    }
    socket.on('secureConnect', () => {
      const days = Math.floor((Date.parse(socket.getPeerCertificate().valid_to) - visit.init.clock.now()) / DAY_MS)
      const { authorizationError: why } = socket
      const told = `the certificate of ${url}`
      if (days < 0) end(fail(`${told} has expired`, 'renew it'))
      else if (!socket.authorized)
        end(
          fail(
            `${told} is not trusted (${String(why)})`,
            'name its CA in tls.authorities of the config, or let a trusted one sign it',
          ),
        )
      else if (days < FEW_DAYS) end(warn(`${told} ends in ${days} days`, 'renew it'))
      else end(ok(`${told} is valid for ${days} days`))
    })
    socket.on('error', (err) => end(fail(`${url} speaks no TLS (${codeOf(err) ?? 'UNKNOWN'})`, 'check its listener')))
    onAbort(limit.signal, () => end(fail(`${url} is silent`, 'check its listener')))
  })
  return looking.finally(() => limit.release())
}
