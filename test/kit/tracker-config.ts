import { parseConfig } from '../../lib/config/index.ts'
import { type TrackerConfig, trackerSchema } from '../../services/tracker/index.ts'
import type { ResourceStack } from './resource-stack.ts'
import { tempFolder } from './temp-folder.ts'

const any = { bind: '127.0.0.1:auto' }

/** The config of a tracker on any ports, with a folder that goes with the test. */
export async function trackerConfig(stack: ResourceStack, given: object = {}): Promise<TrackerConfig> {
  const { path } = stack.own(await tempFolder('tracker'))
  return parseConfig(trackerSchema, { http: any, ops: any, admin: any, folder: path, ...given })
}
