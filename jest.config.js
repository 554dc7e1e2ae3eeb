import { availableParallelism } from 'node:os'

const base = {
  testEnvironment: 'node',
  injectGlobals: false,
  restoreMocks: true,
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
}

const project = (name) => ({
  ...base,
  displayName: name,
  rootDir: import.meta.dirname,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
})

export default {
  projects: ['unit', 'contract', 'property', 'integration', 'abuse', 'chaos', 'interop', 'e2e'].map(project),
  coverageProvider: 'v8',
  randomize: true,
  // Most tests wait for sockets, disks and child processes: with a worker for each core, cores idle.
  maxWorkers: availableParallelism() + 1,
  // Modules of one test file stay in the memory of the worker that ran it; after hundreds it does little but collect garbage.
  workerIdleMemoryLimit: '1GB',
  // Far above what any test needs, since machines may be busy with others. Those that need more than seconds say so.
  testTimeout: 180_000,
  reporters: ['default', '<rootDir>/test/kit/summary-reporter.js'],
}
