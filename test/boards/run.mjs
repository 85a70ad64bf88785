/** `npm run test:boards [-- --board NAME | --port PORT]`: see board_under_test.ts. */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { board: { type: "string" }, port: { type: "string" } } });
// One more try: emulators keep real time on a machine that may be busy with something else.
const { status } = spawnSync("npx", ["vitest", "run", "test/boards", "--retry=1"], {
  stdio: "inherit",
  env: { ...process.env, WAMLET_TEST_BOARDS: values.port ?? values.board ?? "all" },
});
process.exitCode = status ?? 1;
