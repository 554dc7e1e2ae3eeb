import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { serviceFacts } from '../../../lib/service/index.ts'
import { silentLogger, silentMetrics } from '../../../lib/telemetry/index.ts'
import { adminApis } from '../../../services/cli/admin/apis.ts'
import { verbName } from '../../../services/cli/admin/verb.ts'
import { run } from '../../../services/cli/run.ts'
import { type ControllerService, controllerSchema, controllerService } from '../../../services/controller/index.ts'
import { eventually } from '../../kit/eventually.ts'
import { type PushedBlob, pushBlobOf } from '../../kit/pushed-blob.ts'
import { recordingHost } from '../../kit/recording-host.ts'
import { everySecret, secretOverrides } from '../../kit/secrets.ts'
import { pullDigest } from '../../kit/slow-pull.ts'
import { type TempFolder, tempFolder } from '../../kit/temp-folder.ts'
import { startTopology, type Topology } from '../../kit/topology.ts'

const size = 3 * 1024 * 1024

let shoal: Topology
let blob: PushedBlob
let folder: TempFolder
/** Holds a password. */
let passwordFile: string
/** A herd has none. */
let controller: ControllerService

beforeAll(async () => {
  folder = await tempFolder('password')
  passwordFile = join(folder.path, 'password')
  await writeFile(passwordFile, 'correct horse battery\n')
  shoal = await startTopology({
    ...{ agents: 1, origins: 1, trackers: 1, managers: 1, processes: [] },
    overrides: [...secretOverrides(), 'proxy.anonymous=write', 'tracker.fleet.gather=0s'],
  })
  blob = await pushBlobOf(shoal, 'looked-after', size)
  const auto = { bind: '127.0.0.1:auto' }
  const parts = { logger: silentLogger(), metrics: silentMetrics() }
  controller = controllerService(parts, controllerSchema.parse({ ops: auto, admin: auto }))
  await controller.start()
  await pullDigest(shoal.url('agent-1', 'registry') + blob.path)
  // The client has its last byte a moment before the agent has the blob.
  await eventually(async () => {
    const { blobs } = JSON.parse((await call('agent', ['blobs', '--json'])).text) as { readonly blobs: unknown }
    expect(blobs).toMatchObject([{ digest: blob.digest, size }])
  })
  // Tests come in any order, and the first may give an order: the agent asks for orders in the background.
  await eventually(async () => {
    expect((await call('tracker', ['statistics'])).text).toMatch(/^listening +1$/m)
  })
})
afterAll(async () => {
  await controller.stop()
  await shoal[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const NO_TASK = 'ab'.repeat(32)
const NO_PEER = '0'.repeat(40)
const NO_JOB = '000000000-00000000'
const NO_UPLOAD = '00000000-0000-4000-8000-000000000000'

const NO_ROLLOUT = '000000000-0000000000000000'
const acted = `${NO_ROLLOUT} --reason test`

/** The verbs of a manager about jobs, while a cluster is there of which nobody has joined. */
const jobVerbs = {
  'manager create-job': [
    '--kind query --clusters north --targets team/app:1 --limitSeconds 600',
    0,
    /^job +\S+[\s\S]*\n0 +\S+ +fleet +team\/app:1 +waiting/,
  ],
  'manager jobs': ['--kind query', 0, /^JOB +KIND[^\n]*\n\S+ +query +(?:waiting|running)/],
  'manager job': ['none', 1, /JOB_UNKNOWN/],
  'manager job-rows': ['none', 1, /JOB_UNKNOWN/],
  'manager job-contents': ['none', 1, /JOB_UNKNOWN/],
  'manager job-events': ['none', 1, /JOB_UNKNOWN/],
  'manager cancel-job': ['none', 1, /JOB_UNKNOWN/],
  'manager set-schedule': ['nightly --cron 0_3_*_*_* --kind query --targets team/app:1', 1, /CRON_INVALID/],
  'manager schedules': ['', 0, /^NAME +WHEN +ON/],
  'manager schedule': ['none', 1, /SCHEDULE_UNKNOWN/],
  'manager remove-schedule': ['none', 1, /SCHEDULE_UNKNOWN/],
  'manager pushed': ['--notification {"events":[]}', 0, /^no schedule fits$/],
} as const

/** The verbs of a manager about users of registries, while no proxy has joined. */
const registryVerbs = {
  'manager create-registry-user': [
    '--name ann --grants team/*=pull,push --days 7 --note hers',
    0,
    /^name +ann\nkind +user\nstate +enabled\nmay +team\/\*=pull,push\nclusters +all\nends +in [\s\S]*\n\nshoal_reg_[\w-]{43}$/,
  ],
  'manager registry-user': ['ann', 0, /^name +ann[\s\S]*\nnote +hers$/],
  'manager registry-users': ['--n 5', 0, /^NAME[^\n]*\nann +user +enabled +all +in 6d 23h +team\/\*=pull,push$/],
  'manager change-registry-user': ['ann --disabled yes', 0, /\nstate +disabled\n/],
  'manager rotate-registry-user': ['ann', 0, /^name +ann[\s\S]*\n\nshoal_reg_[\w-]{43}$/],
  'manager registry-proxies': ['', 0, /^generation 3: applied by 0 of 0\n\nCLUSTER +PROXY/],
  'manager remove-registry-user': ['ann', 0, /^done$/],
} as const

/** The verbs of a manager about settings, of a manager without clusters. */
const settingVerbs = {
  'manager settings-schema': ['', 0, /"limits.download"/],
  'manager set-settings': ['all agent --values {"log":"warn"} --reason test', 0, /^settings +all\/agent\nversion +1\n/],
  'manager settings': ['', 0, /^SETTINGS[^\n]*\nall\/agent +1 +1 /],
  'manager settings-of': ['all agent', 0, /\nlog +"warn"$/],
  'manager setting-versions': ['all agent', 0, /^VERSION[^\n]*\n1 /],
  'manager setting-version': ['1', 0, /\nreason +test\n/],
  'manager settings-diff': ['--from 0 --to all/agent', 0, /\nlog +added +"warn"$/],
  'manager settings-effective': ['--cluster near --host 10.0.0.7', 1, /CLUSTER_UNKNOWN/],
  'manager settings-applied': ['all agent', 0, /^applied +by 0 of 0\n/],
  'manager settings-behind': ['all agent', 0, /^CLUSTER +HOST/],
  'manager steered-trackers': ['', 0, /^CLUSTER +TRACKER/],
  'manager take-over-trackers': ['near --reason test', 1, /CLUSTER_UNKNOWN/],
  'manager rollouts': ['--state done', 0, /^ROLL-OUT[^\n]*\n\S+ +all\/agent +1 +done +1 of 1 /],
  'manager rollout': [NO_ROLLOUT, 1, /ROLLOUT_UNKNOWN/],
  'manager rollout-events': [NO_ROLLOUT, 1, /ROLLOUT_UNKNOWN/],
  'manager pause-rollout': [acted, 1, /ROLLOUT_UNKNOWN/],
  'manager resume-rollout': [acted, 1, /ROLLOUT_UNKNOWN/],
  'manager halt-rollout': [acted, 1, /ROLLOUT_UNKNOWN/],
  'manager roll-back': [acted, 1, /ROLLOUT_UNKNOWN/],
} as const

/** The verbs about the other services that every service has, if it calls any. */
const ringVerbs = (service: string, ring: string) =>
  ({
    [`${service} rings`]: ['', 0, /URL +STATE\n/],
    [`${service} owners`]: [`${ring} --key team/app`, 0, /^owners: /],
    [`${service} open-api`]: ['', 0, /^\{\n {2}"openapi": "3.1.0"/],
  }) as const

/** For each verb: its arguments here, its exit code, and the text that it prints for people. */
const expected = (
  digest: string,
  file: string,
): Readonly<Record<string, readonly [words: string, exit: number, printed: RegExp]>> => ({
  'origin bring': [`${digest} --repository looked-after`, 0, /^here: /],
  'origin bring-url': ['--address https://models.test/a', 1, /URL_NOT_NAMED/],
  'origin blobs': ['--n 5', 0, new RegExp(`DIGEST .*SIZE +USED +VERIFIED +KEPT BY\\n${digest}  3.0 MiB`)],
  'origin blob': [digest, 0, /in the backend +yes/],
  'origin pin': [digest, 0, /^done$/],
  'origin unpin': [digest, 0, /^done$/],
  'origin repair': [digest, 0, /^good$/],
  'origin ingests': ['--n 5', 0, /^DIGEST +SIZE +HELD +FROM +STATE +READS +WANTED BY +SINCE$/],
  'origin scrub': ['', 0, /^verified +\d+ blobs/],
  'origin scrub-now': ['', 0, /^verified +\d+ blobs/],
  'origin uploads': ['--n 5', 0, /^ID +SIZE +USED +STATE +CLIENT/],
  'origin cancel-upload': [NO_UPLOAD, 1, /BLOB_UPLOAD_UNKNOWN/],
  'origin hand-over': ['', 0, /^walk /],
  'origin hand-over-now': ['', 0, /^walk /],
  'origin drain': ['', 0, /^state +staying/],
  'origin leave': ['', 0, /^state +leaving/],
  'origin stay': ['', 0, /^state +staying/],
  'origin journal': ['', 0, /^waiting +0 tasks/],
  'origin tasks': ['--state dead', 0, /^ID +KIND/],
  'origin task': [NO_TASK, 1, /TASK_UNKNOWN/],
  'origin retry': [NO_TASK, 1, /TASK_UNKNOWN/],
  'origin retry-dead': ['', 0, /^0 tasks are tried again$/],
  'origin give-up': [`${NO_TASK} --force true`, 1, /TASK_UNKNOWN/],
  'origin evict': [`${digest} --force true`, 0, /^done$/],
  'agent blobs': ['', 0, new RegExp(`${digest}  3.0 MiB`)],
  'agent swarms': ['', 0, /DIGEST/],
  'agent leave': ['', 0, /state: closing/],
  'agent drain': ['', 0, /state: closing/],
  'agent stay': ['', 0, /state: serving/],
  'agent settings': ['', 0, /^manager +-[\s\S]*\nlimits\.download +- +- +file\n/],
  'origin settings': ['', 0, /^manager +-[\s\S]*\ningest\.fill +20000000 +20000000 +file\n/],
  'build-index settings': ['', 0, /^manager +-[\s\S]*\ngarbage\.grace +86400000 +86400000 +file\n/],
  'agent pulls': ['--outcome done --n 5', 0, /PULL +KIND +WHAT[\s\S]*\n\w{6}-\d+ +blob +looked-after sha256:/],
  'agent pull': ['000000-1', 1, /PULL_UNKNOWN/],
  ...ringVerbs('origin', 'trackers'),
  ...ringVerbs('agent', 'buildIndexes'),
  ...ringVerbs('tracker', 'origins'),
  ...ringVerbs('proxy', 'origins'),
  'tracker statistics': ['', 0, /^swarms +\d+/],
  'tracker swarms': ['--n 5', 0, /^SWARM +STATE +DOWNLOADS/],
  'tracker swarm': [digest, 0, /^swarm .*\nstate +seeded/],
  'tracker drop-swarm': [digest, 0, /^done$/],
  'tracker hosts': ['--role agent', 0, /^PEER +ADDRESS/],
  'tracker host': [NO_PEER, 1, /NODE_UNKNOWN/],
  'tracker host-pulls': [NO_PEER, 1, /NODE_UNKNOWN/],
  'tracker host-pull': [`${NO_PEER} 000000-1`, 1, /NODE_UNKNOWN/],
  'tracker bans': ['', 0, /^TARGET +SINCE/],
  'tracker content': [`--target ${digest}`, 0, /^digest +sha256:\S+\nimage +no\n/],
  'tracker ban': ['10.9.9.9 --reason odd --minutes 5', 0, /^target +10\.9\.9\.9\nreason +odd\nuntil +in 4m/],
  'tracker unban': ['10.9.9.9', 0, /^applied at 1 of 1 trackers$/],
  'tracker drains': ['', 0, /^TARGET +SINCE/],
  'tracker drain': ['10.9.9.9 --reason odd', 0, /until +taken back/],
  'tracker undrain': ['10.9.9.9', 0, /^applied at 1 of 1 trackers$/],
  'tracker settings': ['', 0, /^policy +\w+/],
  'tracker set': ['--perSecond 900', 0, /perSecond +900/],
  'tracker steer': ['--file DOCUMENT', 0, /^manager +admins\ngeneration +4[\s\S]*\napplied at 1 of 1 trackers$/],
  'tracker steering': [
    '',
    0,
    /\nLAYER +FOR +WHERE +SINCE +VALUES\nslow +agent +all, of them 50 % +4 +\{"log":"warn"\}$/,
  ],
  'tracker steering-hosts': ['--kind agent', 0, /^HOST +KIND +ADDRESS[\s\S]*\n[0-9a-f]{40} +agent +127\.0\.0\.1/],
  'tracker steering-summary': ['', 0, /hosts +applied by \d of \d[\s\S]*\nLAYER +FOR +WITH/],
  'tracker unsteer': ['', 0, /^applied at 1 of 1 trackers$/],
  'tracker order': [`--kind pin --target ${digest} --all --wait`, 0, /^hosts: [\s\S]*: done, 100 % of 3.0 MiB$/],
  'tracker jobs': ['--kind pin --n 5', 0, /^JOB +KIND +TARGET[\s\S]*\n\S+ +pin +sha256:/],
  'tracker job': [NO_JOB, 1, /JOB_UNKNOWN/],
  'tracker job-hosts': [NO_JOB, 1, /JOB_UNKNOWN/],
  'tracker cancel-job': [NO_JOB, 1, /JOB_UNKNOWN/],
  'controller leadership': ['', 0, /^cluster +off\n\nROLE +STATE$/],
  'controller names': ['', 1, /ROLE_OFF/],
  'controller accounts': ['', 1, /ROLE_OFF/],
  'controller open-api': ['', 0, /^\{\n {2}"openapi": "3.1.0"/],
  'manager create-cluster': [
    '--name north --zones a,b* --default yes',
    0,
    /^name +north[\s\S]*default +yes[\s\S]*zones +a, b\*/,
  ],
  'manager clusters': ['', 0, /^CLUSTER +STATE[^\n]*\nnorth +empty/],
  'manager cluster': ['north', 0, /^name +north/],
  'manager change-cluster': ['north --cidrs 10.0.0.0/8 --revision 1', 0, /cidrs +10\.0\.0\.0\/8[\s\S]*revision +2/],
  'manager create-join-token': ['north --name t --hours 1 --uses 2', 0, /uses left +2[\s\S]*\n\nshoal-join-/],
  'manager join-tokens': ['north', 0, /^ID +NAME +STATE[^\n]*\n\S+ +t +valid +0 +2 +in 59m/],
  'manager revoke-join-token': ['north none', 1, /JOIN_TOKEN_UNKNOWN/],
  'manager members': ['--state ok', 0, /^CLUSTER +KIND +MEMBER/],
  'manager member': ['none', 1, /MEMBER_UNKNOWN/],
  'manager forget-member': ['none', 1, /MEMBER_UNKNOWN/],
  'manager hosts': ['--zone a --text 10.', 0, /^CLUSTER +HOST +ROLE/],
  'manager relations': ['', 0, /^FROM +TO +BY +STATE +RULES$/],
  'manager create-relation': ['--from north --to south --rules a/*:v*', 1, /CLUSTER_UNKNOWN/],
  'manager relation': ['north:south', 1, /RELATION_UNKNOWN/],
  'manager change-relation': ['north:south --paused yes', 1, /RELATION_UNKNOWN/],
  'manager remove-relation': ['north:south', 1, /RELATION_UNKNOWN/],
  'manager relation-states': ['', 0, /^generation 0: applied by 0 of 0/],
  'manager assignment': ['--zone a', 1, /ASSIGNMENT_NONE/],
  'manager overview': ['', 0, /^CLUSTER +STATE[\s\S]*finished per minute/],
  'manager swarms': ['--state starving', 0, /^CLUSTER +SWARM +STATE[\s\S]*not asked: north \(NO_HEALTHY_MEMBER\)/],
  'manager swarm': [`north ${digest}`, 1, /NO_HEALTHY_MEMBER/],
  'manager swarm-events': [`north ${digest}`, 1, /NO_HEALTHY_MEMBER/],
  'manager images': ['--text team', 0, /^REPOSITORY +CLUSTERS/],
  'manager image': ['team/app', 0, /^north: NO_HEALTHY_MEMBER/],
  'manager node': [`nowhere ${NO_PEER}`, 1, /CLUSTER_UNKNOWN/],
  'manager image-content': ['team/app --reference 1.0', 0, /^north: NO_HEALTHY_MEMBER/],
  'manager delete-tag': ['north team/app 1.0', 1, /NO_HEALTHY_MEMBER/],
  'manager node-pulls': [`nowhere ${NO_PEER}`, 1, /CLUSTER_UNKNOWN/],
  'manager node-pull': [`nowhere ${NO_PEER} 000000-1`, 1, /CLUSTER_UNKNOWN/],
  'manager ban-node': [`north ${NO_PEER} --reason odd`, 1, /NO_HEALTHY_MEMBER/],
  'manager unban-node': [`north ${NO_PEER}`, 1, /NO_HEALTHY_MEMBER/],
  'manager drain-node': [`north ${NO_PEER} --reason odd --minutes 5`, 1, /NO_HEALTHY_MEMBER/],
  'manager undrain-node': [`north ${NO_PEER}`, 1, /NO_HEALTHY_MEMBER/],
  ...jobVerbs,
  'manager remove-cluster': ['north', 0, /^done$/],
  'manager roles': ['', 0, /^NAME +KIND +MAY +WHAT\nadmin +built in +\*=\*/],
  'manager set-role': ['warmer --grants jobs=write,images=read', 0, /^name +warmer\nmay +jobs=write images=read$/],
  'manager create-user': [`--name ada --password-file ${file} --roles warmer`, 0, /^NAME[^\n]*\nada +warmer +enabled/],
  'manager user': ['ada', 0, /^NAME[^\n]*\nada +warmer/],
  'manager users': ['--n 5', 0, /^NAME[^\n]*\nada +warmer/],
  'manager change-user': ['ada --roles reader --disabled no', 0, /^NAME[^\n]*\nada +reader +enabled/],
  'manager set-password': [`ada --password-file ${file}`, 0, /^done$/],
  'manager sign-in': [`--name ada --password-file ${file}`, 0, /^name +user:ada\nroles +reader/],
  'manager end-sessions': ['ada', 0, /^done$/],
  'manager invite': ['--roles reader', 0, /^link +\/welcome#[\w-]{43}\n/],
  'manager invites': ['', 0, /^ID +ROLES +BY +ENDS\n\S+ +reader/],
  'manager revoke-invite': ['none', 1, /NOT_FOUND/],
  'manager open-link': [`--link-file ${file} --name eve --password-file ${file}`, 1, /LINK_UNKNOWN/],
  'manager sign-in-ways': ['', 0, /^passwords +yes\nproviders +none$/],
  'manager me': ['', 0, /^name +admin\n/],
  'manager my-tokens': ['', 1, /USER_REQUIRED/],
  'manager create-token': ['--name ci --grants jobs=read --days 7', 1, /USER_REQUIRED/],
  'manager revoke-my-token': ['none', 1, /USER_REQUIRED/],
  'manager tokens': ['', 0, /^ID +USER +NAME/],
  'manager revoke-token': ['none', 1, /NOT_FOUND/],
  'manager my-sessions': ['', 1, /SESSION_REQUIRED/],
  'manager end-my-session': ['none', 1, /SESSION_REQUIRED/],
  'manager change-password': [`--old-file ${file} --new-file ${file}`, 1, /SESSION_REQUIRED/],
  'manager sign-out': ['', 0, /^done$/],
  'manager remove-role': ['warmer', 0, /^done$/],
  'manager remove-user': ['ada', 0, /^done$/],
  'manager audit': ['', 0, /^WHEN +WHO +WHAT +TARGET[\s\S]*cluster\.create/],
  ...registryVerbs,
  ...settingVerbs,
  'manager open-api': ['', 0, /^\{\n {2}"openapi": "3.1.0"/],
  ...ringVerbs('build-index', 'origins'),
  'proxy registry-users': ['', 1, /REGISTRY_USERS_OFF/],
  'proxy give-registry-users': ['--file DOCUMENT', 1, /REGISTRY_USERS_OFF/],
  'proxy release-registry-users': ['', 1, /REGISTRY_USERS_OFF/],
  'build-index remotes': ['', 0, /^cluster +local/],
  'build-index given-remotes': ['', 1, /REMOTES_OFF/],
  'build-index give-remotes': ['--file DOCUMENT', 1, /REMOTES_OFF/],
  'build-index release-remotes': ['', 1, /REMOTES_OFF/],
  'build-index gc': ['--dry-run true', 0, /running \(dry run: nothing is changed\)/],
  'build-index gc-report': ['', 0, /^look +[0-9a-f]+/],
  'build-index gc-stop': ['', 0, /^/],
  'build-index upstreams': ['', 0, /^REGISTRY +RULE +AT/],
  'build-index gc-take-over': ['', 0, /^there are no marks of others$/],
  'build-index retention': ['--dry-run true', 0, /running \(dry run: nothing is changed\)/],
  'build-index retention-report': ['', 0, /^look +[0-9a-f]+/],
  'build-index retention-stop': ['', 0, /^/],
  'build-index retention-tags': ['looked-after', 0, /^TAG +VERDICT/],
  'build-index retention-manifests': ['looked-after', 0, /^MANIFEST +VERDICT/],
  'build-index repositories': ['', 0, /^$/],
  'build-index tags': ['team/app', 1, /NAME_UNKNOWN/],
  'build-index referrers': [`team/app ${digest}`, 0, /^REFERRER +TYPE +SIZE$/],
  'build-index delete-tag': ['team/app 1.0', 1, /MANIFEST_UNKNOWN/],
  'build-index replications': ['--state dead', 0, /^REMOTE/],
  'build-index replication': ['east team/app 1.0', 1, /REMOTE_UNKNOWN/],
  'build-index replicate': ['--repository team/app --tag 1.0', 1, /REMOTE_UNKNOWN/],
  'build-index retry-replication': ['east team/app 1.0', 1, /REMOTE_UNKNOWN/],
  'build-index cancel-replication': ['east team/app 1.0', 1, /REMOTE_UNKNOWN/],
})

const call = async (kind: string, words: readonly string[]) => {
  const host = recordingHost({ SHOAL_ADMIN_SECRET: everySecret.admin })
  const url = kind === 'controller' ? controller.adminUrl : shoal.url(`${kind}-1`, 'admin')
  const exit = await run(['admin', kind, ...words, '--url', url], host)
  return { exit, text: host.said || host.complained }
}

test('every verb does what it says against a herd', async () => {
  const table = expected(blob.digest, passwordFile)
  const document = join(shoal.data, 'settings.json')
  const share = { percent: 50, salt: 's' }
  const layer = { id: 'slow', kind: 'agent', generation: 4, scope: { all: true }, share, values: { log: 'warn' } }
  await writeFile(document, JSON.stringify({ manager: 'admins', generation: 4, layers: [layer] }))
  const verbs = adminApis.flatMap(({ kind, calls }) =>
    Object.keys(calls).map((name) => `${serviceFacts(kind).name} ${verbName(name)}`),
  )
  expect([...Object.keys(table), 'tracker events'].toSorted()).toEqual(verbs.toSorted())
  for (const [name, [words, exit, printed]] of Object.entries(table)) {
    const [kind = '', verb = ''] = name.split(' ')
    const given = words.replace('DOCUMENT', document).split(' ')
    const outcome = await call(kind, [verb, ...given.filter((word) => word !== '')])
    expect({ name, ...outcome }).toEqual({ name, exit, text: expect.stringMatching(printed) })
  }
})

test('who-has asks all hosts, and tells who holds a blob and who did not answer', async () => {
  const found = await call('tracker', ['who-has', blob.digest])
  expect(found).toMatchObject({
    exit: 0,
    text: expect.stringMatching(/^HOST +ZONE +HOLDS[^\n]*\n\S+ 127\.0\.0\.1 +- +whole/),
  })
  const json = await call('tracker', ['who-has', `sha256:${'0'.repeat(64)}`, '--json', '--nothing'])
  expect(JSON.parse(json.text)).toMatchObject({ job: { holds: { nothing: 1 } }, hosts: [{ holds: 'nothing' }] })
  const away = await call('tracker', ['who-has', blob.digest, '--hosts', 'nobody', '--limitSeconds', '1'])
  expect(away).toMatchObject({ exit: 1, text: expect.stringMatching(/nobody +- +unknown \(HOST_AWAY\)[\s\S]*$/) })
})

test('an order that is waited for fails when hosts have not done it', async () => {
  const words = ['order', '--kind', 'pin', '--target', `sha256:${'0'.repeat(64)}`, '--all', '--wait']
  const failed = await call('tracker', words)
  expect(failed).toMatchObject({ exit: 1, text: expect.stringContaining(': failed (BLOB_UNKNOWN)') })
})

test('--json prints what the service answers, on one line', async () => {
  const { exit, text } = await call('agent', ['blobs', '--json'])
  expect(exit).toBe(0)
  expect(JSON.parse(text)).toMatchObject({ blobs: [{ digest: blob.digest, size }] })
})

test('the address and the secret come from the config of the service, and a wrong secret is told', async () => {
  const file = join(shoal.data, 'agent.yaml')
  const address = shoal.url('agent-1', 'admin').replace('http://', '')
  await writeFile(file, JSON.stringify({ admin: { bind: address }, secrets: { admin: everySecret.admin } }))
  expect(await run(['admin', 'agent', 'blobs', '--config', file], recordingHost())).toBe(0)
  const wrong = recordingHost()
  const guessed = join(shoal.data, 'guessed')
  await writeFile(guessed, 'a-secret-that-is-guessed\n')
  expect(await run(['admin', 'agent', 'blobs', '--config', file, '--secret-file', guessed], wrong)).toBe(4)
  expect(wrong.complained).toMatch(/^shoal admin: UNAUTHORIZED: /)
})
