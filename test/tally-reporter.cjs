const { writeFileSync } = require("node:fs");

/** Counts a run: in the file TALLY where there is one, else as one line at its end that any reader of logs understands. */
module.exports = class TallyReporter {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const { TALLY } = process.env;
    if (TALLY) return writeFileSync(TALLY, JSON.stringify({ passed: numPassedTests, failed, skipped: numPendingTests }));
    const skipped = numPendingTests ? `, ${numPendingTests} skipped` : "";
    setImmediate(() => process.stdout.write(`\n${numPassedTests} passed, ${failed} failed${skipped}\n`));
  }
};
