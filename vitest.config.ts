import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Generous: nothing asserts wall time, and a CI machine may be busy with something else.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores is what a CI machine has.
    maxWorkers: 2,
  },
});
