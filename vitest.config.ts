import { defineConfig } from "vitest/config";

/**
 * Whole command lines and boot loaders, process by process: minutes of their own. `npm run test:all` and CI run them;
 * `npm test` has the same promises of the rooms below them and stays under three minutes on two cores.
 */
const endToEnd = [
  "test/cli/{command_line,demo,deploy,emulate,frames,live,profile,stream,zoo}.test.ts",
  "test/flash/{flash_firmware,refusals,verb}.test.ts",
  "test/graphs/**",
];

/** Every kernel family shape by shape, and the benchmarks: `npm test` has random models of every operator and form. */
const studies = [
  "test/compiler/{columns,cost_model,depthwise_strips,fuse_padding,goldens,live_channels,overlay,zero_skipping}.test.ts",
  "test/bench/**",
];

/** Firmware is built with compilers and emulators that npm does not bring: `npm run test:boards`. */
const firmware = ["test/boards/**"];

const all = process.env.WAMLET_TESTS === "all" || process.env.WAMLET_GRAPH_SEED !== undefined;
const boards = process.env.WAMLET_TEST_BOARDS !== undefined;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [
      "node_modules/**",
      "dist/**",
      ...(all ? [] : [...endToEnd, ...studies]),
      ...(all || boards ? [] : firmware),
    ],
    // Generous: nothing asserts wall time, and a CI machine may be busy with something else.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores is what a CI machine has.
    maxWorkers: 2,
  },
});
