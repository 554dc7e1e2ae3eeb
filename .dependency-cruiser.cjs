/** The arrows of docs/architecture.md as rules: a wrong import fails the check. */
const only = (room, allowed) => ({
  name: `${room}-imports`,
  severity: 'error',
  from: { path: `^lib/${room}/` },
  to: { path: '^lib/', pathNot: `^lib/(${[room, ...allowed].join('|')})/` },
})

const L0 = ['base', 'core']
const L1 = [...L0, 'config', 'telemetry', 'identity', 'http', 'metainfo']
const L2 = [...L1, 'store', 'backend', 'cluster', 'service']
const L3 = [...L2, 'api', 'journal']

/** A room of one torrent imports itself and the rooms below it; the torrent itself stands above all of them. */
const torrentRoom = (name, below) => ({
  name: `swarm-torrent-${name}`,
  severity: 'error',
  from: { path: `^lib/swarm/torrent/${name}/` },
  to: { path: `^lib/swarm/torrent/(?!(${[name, ...below].join('|')})/)` },
})

/** A wing of the origin: what it takes from the other wings, and from the files beside them. */
const wing = (name, below) => ({
  name: `origin-wing-${name}`,
  severity: 'error',
  from: { path: `^services/origin/${name}/` },
  to: {
    path: '^services/origin/',
    pathNot: `^services/origin/((${[name, ...below].join('|')})/|(blob-keys|blob-names|config)\\.ts$)`,
  },
})

/** One npm package has one importing place (a path pattern). */
const packageRooms = {
  hashring: '^lib/cluster/',
  'bittorrent-protocol': '^lib/swarm/wire/',
  bencode: '^lib/metainfo/',
  express: '^lib/http/',
  undici: '^lib/http/',
  jose: '^lib/identity/',
  bcryptjs: '^lib/identity/',
  winston: '^lib/telemetry/',
  'prom-client': '^lib/telemetry/',
  '@opentelemetry/api': '^lib/telemetry/',
  'node-cache': '^lib/base/',
  'lru-cache': '^lib/base/',
  zod: '^(lib/config/|lib/api/|lib/kraken/|lib/.*config\\.ts$|services/.*/config\\.ts$)',
  yaml: '^lib/config/',
  '@aws-sdk/client-s3': '^lib/backend/s3/',
  '@volcengine/tos-sdk': '^lib/backend/tos/',
  'classic-level': '^lib/journal/',
  '@redis/client': '^services/tracker/peer-store/',
  libsql: '^services/manager/database/',
  pg: '^services/manager/database/',
  'openid-client': '^services/manager/people/oidc/',
  kysely: '^services/manager/',
  preact: '^services/manager/console/',
  '@preact/signals': '^services/manager/console/',
  uplot: '^services/manager/console/',
  'd3-force': '^services/manager/console/',
  vite: '^services/manager/console/vite\\.config\\.js$',
  fzstd: '^services/cli/get/image/',
  tar: '^services/cli/get/image/',
  'smol-toml': '^services/cli/',
  '@peculiar/asn1-schema': '^lib/certificates/',
  '@peculiar/asn1-x509': '^lib/certificates/',
  commander: '^services/(cli/|[^/]+/main\\.ts$)',
}

const escaped = (text) => text.replace(/[/@-]/g, (c) => `\\${c}`)

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'lib-not-services', severity: 'error', from: { path: '^lib/' }, to: { path: '^services/' } },
    {
      name: 'services-are-islands',
      severity: 'error',
      from: { path: '^services/(?!herd/|cli/)([^/]+)/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'services-entered-by-their-door',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/', pathNot: ['^services/$1/', '^services/[^/]+/index\\.ts$'] },
    },
    {
      name: 'rooms-entered-by-their-door',
      severity: 'error',
      from: { path: '^(lib|services)/([^/]+)/' },
      to: { path: '^lib/', pathNot: ['^lib/$2/', '^lib/[^/]+/index\\.ts$'] },
    },
    { name: 'prod-not-test', severity: 'error', from: { pathNot: '^test/' }, to: { path: '^test/' } },
    only('base', []),
    only('core', ['base']),
    only('telemetry', L0),
    only('config', L0),
    only('identity', [...L0, 'telemetry', 'config']),
    only('http', [...L0, 'telemetry', 'config', 'identity']),
    only('metainfo', L0),
    only('certificates', L0),
    only('store', L1),
    only('backend', L1),
    only('cluster', L1),
    only('service', [...L1, 'cluster']),
    only('api', L2),
    only('journal', L2),
    only('registry', L3),
    only('kraken', [...L3, 'registry']),
    only('joining', L3),
    only('swarm', [...L0, 'telemetry', 'config', 'metainfo', 'store']),
    {
      name: 'swarm-wire-is-the-bottom',
      severity: 'error',
      from: { path: '^lib/swarm/wire/' },
      to: { path: '^lib/swarm/(?!wire/|limits\\.ts$)' },
    },
    {
      name: 'swarm-picker-is-pure',
      severity: 'error',
      from: { path: '^lib/swarm/picker/' },
      to: { path: '^lib/swarm/(?!picker/|wire/|limits\\.ts$)' },
    },
    {
      name: 'swarm-peer-below-torrent',
      severity: 'error',
      from: { path: '^lib/swarm/peer/' },
      to: { path: '^lib/swarm/(?!peer/|wire/|limits\\.ts$)' },
    },
    {
      name: 'swarm-torrent-below-engine',
      severity: 'error',
      from: { path: '^lib/swarm/torrent/' },
      to: { path: '^lib/swarm/(engine|announce)/' },
    },
    torrentRoom('shared', []),
    torrentRoom('meet', ['shared']),
    torrentRoom('fetch', ['meet', 'shared']),
    torrentRoom('read', ['shared']),
    torrentRoom('serve', ['meet', 'shared']),
    wing('ring', []),
    wing('bring', ['ring']),
    wing('garbage', []),
    wing('push', ['ring', 'bring', 'garbage']),
    wing('upkeep', ['ring', 'bring']),
    {
      name: 'build-index-wing-replication',
      severity: 'error',
      from: { path: '^services/build-index/replication/' },
      to: {
        path: '^services/build-index/',
        pathNot:
          '^services/build-index/(replication/|(announced|index-records|key-pages|tag-records|tag-version)\\.ts$)',
      },
    },
    {
      name: 'manager-wing-clusters',
      severity: 'error',
      from: { path: '^services/manager/clusters/' },
      to: {
        path: '^services/manager/',
        pathNot: '^services/manager/(clusters/|database/(index|ids)\\.ts$|(managed|named-cluster|query-words)\\.ts$)',
      },
    },
    {
      name: 'manager-wing-jobs',
      severity: 'error',
      from: { path: '^services/manager/jobs/' },
      to: {
        path: '^services/manager/',
        pathNot:
          '^services/manager/(jobs/|clusters/talk\\.ts$|people/(caller|giver)\\.ts$|database/(index|ids)\\.ts$|(managed|named-cluster|query-words)\\.ts$)',
      },
    },
    {
      name: 'manager-wing-registry',
      severity: 'error',
      from: { path: '^services/manager/registry/' },
      to: {
        path: '^services/manager/',
        pathNot:
          '^services/manager/(registry/|clusters/talk\\.ts$|people/(caller|shown-secrets)\\.ts$|database/(index|ids)\\.ts$|(giving|managed|named-cluster)\\.ts$)',
      },
    },
    {
      name: 'manager-wing-relations',
      severity: 'error',
      from: { path: '^services/manager/relations/' },
      to: {
        path: '^services/manager/',
        pathNot:
          '^services/manager/(relations/|clusters/talk\\.ts$|people/caller\\.ts$|database/(index|ids)\\.ts$|(giving|managed|named-cluster)\\.ts$)',
      },
    },
    {
      name: 'manager-adapters',
      severity: 'error',
      from: { path: '^services/manager/adapters/' },
      to: {
        path: '^services/manager/',
        pathNot:
          '^services/manager/(adapters/|jobs/index\\.ts$|clusters/(cluster-changes|talk)\\.ts$|database/index\\.ts$|managed\\.ts$)',
      },
    },
    {
      name: 'manager-wing-settings',
      severity: 'error',
      from: { path: '^services/manager/settings/' },
      to: {
        path: '^services/manager/',
        pathNot: '^services/manager/(settings/|database/(index|ids)\\.ts$|(acts|managed|named-cluster)\\.ts$)',
      },
    },
    ...Object.entries(packageRooms).map(([name, room]) => ({
      name: `${name}-in-its-room`,
      severity: 'error',
      from: { path: '^(lib|services)/', pathNot: room },
      to: { path: `node_modules/${escaped(name)}/` },
    })),
    {
      name: 'packages-on-the-list',
      severity: 'error',
      from: { path: '^(lib|services)/' },
      to: {
        path: '^node_modules/',
        pathNot: [
          ...Object.keys(packageRooms).map((name) => `^node_modules/${escaped(name)}/`),
          '^node_modules/@types/',
        ],
      },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
}
