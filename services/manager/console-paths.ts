/** The pages of the console by their paths. Whoever comes to one of them gets the application; another path is unknown. */
export const consolePaths = {
  overview: '/',
  swarms: '/swarms',
  swarm: '/swarms/:cluster/:swarm',
  images: '/images',
  image: '/images/:repository',
  nodes: '/nodes',
  node: '/nodes/:cluster/:peer',
  clusters: '/clusters',
  cluster: '/clusters/:cluster',
  settings: '/settings',
  effective: '/settings/effective',
  setting: '/settings/:scope/:kind',
  rollouts: '/rollouts',
  rollout: '/rollouts/:id',
  users: '/users',
  tokens: '/tokens',
  audit: '/audit',
  account: '/account',
  signIn: '/sign-in',
  welcome: '/welcome',
} as const

export type ConsolePage = keyof typeof consolePaths
