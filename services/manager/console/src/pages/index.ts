import type { ComponentType } from 'preact'
import type { ConsolePage, Place } from '../pure/paths.ts'
import { AccountPage } from './account.tsx'
import { AuditPage } from './audit.tsx'
import { ClusterPage } from './cluster.tsx'
import { ClustersPage } from './clusters.tsx'
import { ContentPage } from './content.tsx'
import { EffectivePage } from './effective.tsx'
import { ImagePage } from './image.tsx'
import { ImagesPage } from './images.tsx'
import { JobPage } from './job.tsx'
import { JobsPage } from './jobs.tsx'
import { NewJobPage } from './new-job.tsx'
import { NodePage } from './node.tsx'
import { NodesPage } from './nodes.tsx'
import { OverviewPage } from './overview.tsx'
import { PullPage } from './pull.tsx'
import { RegistryUserPage } from './registry-user.tsx'
import { RegistryUsersPage } from './registry-users.tsx'
import { RelationPage } from './relation.tsx'
import { RelationsPage } from './relations.tsx'
import { RolloutPage } from './rollout.tsx'
import { RolloutsPage } from './rollouts.tsx'
import { ScheduleFormPage } from './schedule-form.tsx'
import { SchedulesPage } from './schedules.tsx'
import { SettingPage } from './setting.tsx'
import { SettingsPage } from './settings.tsx'
import { SwarmPage } from './swarm.tsx'
import { SwarmsPage } from './swarms.tsx'
import { TokensPage } from './tokens.tsx'
import { UsersPage } from './users.tsx'

/** The pages for those who are signed in; who is so already has no use for the others, and gets the overview. */
export const pages: Readonly<Record<ConsolePage, ComponentType<Place>>> = {
  overview: OverviewPage,
  swarms: SwarmsPage,
  swarm: SwarmPage,
  images: ImagesPage,
  image: ImagePage,
  content: ContentPage,
  nodes: NodesPage,
  node: NodePage,
  pull: PullPage,
  clusters: ClustersPage,
  cluster: ClusterPage,
  relations: RelationsPage,
  relation: RelationPage,
  jobs: JobsPage,
  newJob: NewJobPage,
  job: JobPage,
  schedules: SchedulesPage,
  scheduleForm: ScheduleFormPage,
  settings: SettingsPage,
  effective: EffectivePage,
  setting: SettingPage,
  rollouts: RolloutsPage,
  rollout: RolloutPage,
  users: UsersPage,
  tokens: TokensPage,
  registryUsers: RegistryUsersPage,
  registryUser: RegistryUserPage,
  audit: AuditPage,
  account: AccountPage,
  signIn: OverviewPage,
  welcome: OverviewPage,
}
