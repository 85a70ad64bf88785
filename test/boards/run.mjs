/** `npm run test:boards [-- --board NAME | --port PORT]`: see board_under_test.ts. */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { board: { type: "string" }, port: { type: "string" } } });
const { status } = spawnSync("npx", ["vitest", "run", "test/boards"], {
  stdio: "inherit",
  env: { ...process.env, WAMLET_TEST_BOARDS: values.port ?? values.board ?? "all" },
});
process.exitCode = status ?? 1;
