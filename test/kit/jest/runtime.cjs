const hooks = require('node:async_hooks')
const { register } = require('node:module')
const { fileURLToPath, pathToFileURL } = require('node:url')
const { compiled } = require('./typescript.cjs')

register('./loader.js', pathToFileURL(__filename))
// The first to be loaded of Node's client and the package of the same name sends what either sends.
void fetch('data:,')

/** Jest's own handlers of events; those that it adds for one file must not hear of the next. */
const HANDLERS = Symbol.for('EVENT_HANDLERS')
let runs = 0

/** Where the source maps lie of what the loader gives; jest asks when it formats a stack. */
class SourceMaps extends Map {
  get(file) {
    const path = file.startsWith('file:') ? fileURLToPath(file) : file
    return path.endsWith('.ts') ? compiled(path).map : undefined
  }
}

/**
 * Jest's `runtime` of one file of tests: lets Node load it, with the modules that the worker has already. Jest's own
 * loads all of them anew for each file, into a realm of its own: that took more time than most files need. So files
 * share what modules keep between calls, which in this project is next to nothing (docs/testing.md).
 */
class Runtime {
  #globals
  #mocker
  #storages = []

  constructor(_config, environment, _resolver, _transformer, _files, coverage) {
    if (coverage.collectCoverage) throw new Error('Node collects coverage: set NODE_V8_COVERAGE to a folder')
    this.#mocker = environment.moduleMocker
  }

  /** What jest runs the tests with. It keeps the tests of one file, so each file gets a new one. */
  requireInternalModule(path) {
    delete globalThis[HANDLERS]
    delete require.cache[path]
    const { AsyncLocalStorage } = hooks
    const storages = this.#storages
    hooks.AsyncLocalStorage = class extends AsyncLocalStorage {
      constructor() {
        super()
        storages.push(this)
      }
    }
    try {
      return require(path)
    } finally {
      hooks.AsyncLocalStorage = AsyncLocalStorage
    }
  }

  requireModule(path) {
    return require(path)
  }

  setGlobalsForRuntime(globals) {
    const mocker = this.#mocker
    const jest = { spyOn: mocker.spyOn.bind(mocker), restoreAllMocks: () => mocker.restoreAllMocks() }
    this.#globals = { ...globals, jest }
  }

  unstable_shouldLoadAsEsm() {
    return true
  }

  async unstable_importModule(path) {
    const { take } = await import('./globals.js')
    take(this.#globals)
    runs += 1
    return import(`${pathToFileURL(path)}?run=${runs}`)
  }

  restoreAllMocks() {
    this.#mocker.restoreAllMocks()
  }

  getSourceMaps() {
    return new SourceMaps()
  }

  getAllCoverageInfoCopy() {
    return undefined
  }

  enterTestCode() {}

  leaveTestCode() {}

  /** Each storage that was ever used makes every promise of the process dearer until it is disabled. */
  teardown() {
    for (const storage of this.#storages) storage.disable()
  }
}

module.exports = Runtime
