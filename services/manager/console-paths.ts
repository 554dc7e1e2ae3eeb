/** The pages of the console by their paths. Whoever comes to one of them gets the application; another path is unknown. */
export const consolePaths = {
  overview: '/',
  swarms: '/swarms',
  swarm: '/swarms/:cluster/:swarm',
  images: '/images',
  image: '/images/:repository',
  content: '/images/:repository/:reference',
  nodes: '/nodes',
  node: '/nodes/:cluster/:peer',
  pull: '/nodes/:cluster/:peer/pulls/:id',
  clusters: '/clusters',
  cluster: '/clusters/:cluster',
  jobs: '/jobs',
  newJob: '/jobs/new',
  job: '/jobs/:job',
  schedules: '/schedules',
  scheduleForm: '/schedules/form',
  users: '/users',
  tokens: '/tokens',
  audit: '/audit',
  account: '/account',
  signIn: '/sign-in',
  welcome: '/welcome',
} as const

export type ConsolePage = keyof typeof consolePaths
