/** Prints the closing line that the CI reads, and fails a run without any executed test. */
export default class SummaryReporter {
  #failure

  onRunComplete(_contexts, results) {
    const { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites } = results
    const failed = numFailedTests + numRuntimeErrorTestSuites
    const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : ''
    process.stdout.write(`\n${numPassedTests} passed, ${failed} failed${skipped}\n`)
    if (numPassedTests + failed === 0) this.#failure = new Error('no test was executed')
  }

  getLastError() {
    return this.#failure
  }
}
