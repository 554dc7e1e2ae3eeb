import { ModuleMocker } from 'jest-mock'

/**
 * The environment of tests is that of the worker: jest's own makes a new realm for each file, in which it has to load
 * and to compile everything again.
 */
export default class Environment {
  /** Jest may add to it, and the worker keeps what is its own. */
  global = Object.create(globalThis, { process: { value: undefined } })
  moduleMocker = new ModuleMocker(globalThis)
  fakeTimers = null
  fakeTimersModern = null

  async setup() {}

  async teardown() {}

  getVmContext() {
    return null
  }

  exportConditions() {
    return ['node', 'node-addons']
  }
}
