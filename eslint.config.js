import tseslint from 'typescript-eslint'
import { smallInterfaces } from './test/kit/lint/small-interfaces.js'

/** Each listener that is added to an event target, or removed, costs a walk over all that it has. */
const unlistened = [
  {
    selector:
      "CallExpression[callee.property.name=/^(add|remove)EventListener$/][arguments.0.value='abort'], AssignmentExpression[left.property.name='onabort']",
    message: 'onAbort of lib/base waits on a signal at a cost that does not grow with those who wait.',
  },
]

/** They are built once. A project service looks again for the program of each file, which took a quarter of the time. */
const programs = ['tsconfig.json', 'services/manager/console/tsconfig.json']

const confined = [
  {
    selector: "MemberExpression[object.name='Date'][property.name='now']",
    message: 'Time comes from the injected Clock (lib/base).',
  },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Time comes from the injected Clock.' },
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'Randomness comes from the injected Random (lib/base).',
  },
  {
    selector: "MemberExpression[object.name='process'][property.name=/^(env|exit)$/]",
    message: 'process.env and process.exit stay in base, config and main.ts.',
  },
  {
    selector: "BinaryExpression[operator='instanceof'][right.name='Error']",
    message: 'Match errors by code: instanceof Error is false across realms.',
  },
  {
    selector:
      "NewExpression[callee.name='AbortController'], MemberExpression[object.name='AbortSignal'][property.name='any']",
    message: 'abortController and anySignal of lib/base make signals on which many may wait.',
  },
]

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', 'data/', 'coverage/', 'test/bench/results/'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: programs, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': 'allow-with-description' }],
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 15],
      'max-params': ['error', 4],
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    // A declaration file describes what others have written.
    ignores: ['**/*.d.ts'],
    plugins: { shoal: { rules: { 'small-interfaces': smallInterfaces } } },
    rules: { 'shoal/small-interfaces': 'error' },
  },
  {
    files: ['lib/**/*.ts', 'services/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false, checkThenables: true }],
    },
  },
  {
    files: ['lib/**/*.ts', 'services/**/*.ts', 'test/kit/**/*.ts', 'test/bench/**/*.ts'],
    // The pages of the console run in a browser, and do not import lib/base.
    ignores: ['lib/base/on-abort.ts', 'services/manager/console/src/**'],
    rules: { 'no-restricted-syntax': ['error', ...unlistened] },
  },
  {
    files: ['lib/**/*.ts', 'services/**/*.ts'],
    // The console runs in a browser, where there is nothing to inject them.
    ignores: [
      ...['lib/base/**', 'lib/config/**', 'lib/telemetry/**', 'services/**/main.ts'],
      'services/manager/console/**',
    ],
    rules: {
      'no-restricted-syntax': ['error', ...unlistened, ...confined],
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
          name,
          message: 'Timers come from the injected Clock (lib/base).',
        })),
      ],
    },
  },
  {
    files: ['services/manager/console/**/*.ts', 'services/manager/console/**/*.tsx'],
    rules: {
      // Work that nobody waits for is marked with `void`: handlers of a page have nobody to give it to.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true, checkThenables: true }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 500 }],
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
)
