import { availableParallelism } from 'node:os'

const base = {
  testEnvironment: '<rootDir>/test/kit/jest/environment.js',
  injectGlobals: false,
  restoreMocks: true,
  // Node loads what is tested, through hooks of our runtime (docs/decisions/0089-tests-in-the-workers-own-realm.md).
  transform: {},
  runtime: '<rootDir>/test/kit/jest/runtime.cjs',
}

const project = (name) => ({
  ...base,
  displayName: name,
  rootDir: import.meta.dirname,
  roots: ['lib', 'services', 'test'].map((folder) => `<rootDir>/${folder}`),
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
})

export default {
  projects: ['unit', 'contract', 'property', 'integration', 'abuse', 'chaos', 'interop', 'e2e'].map(project),
  randomize: true,
  testSequencer: '<rootDir>/test/kit/jest/sequencer.js',
  // Most tests wait for sockets, disks and child processes: with a worker for each core, cores idle.
  maxWorkers: availableParallelism() + 1,
  // Files of tests stay in the memory of the worker that ran them, with the data that they keep in constants.
  workerIdleMemoryLimit: '1GB',
  // Far above what any test needs, since machines may be busy with others. Those that need more than seconds say so.
  testTimeout: 180_000,
  reporters: ['default', '<rootDir>/test/kit/summary-reporter.js'],
}
