export { type Puller, type PullRules, type PullSubject, pullRules } from './pull-rules.ts'
export { ruledStorage } from './ruled-storage.ts'
