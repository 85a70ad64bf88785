import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores is what a CI machine has; workers that compile load asc and binaryen (0.6 s) once each.
    maxWorkers: 2,
    reporters: process.env["CI"] ? ["default", "junit"] : ["default"],
    outputFile: { junit: "dist/test-report.xml" },
  },
});
