/** `npm run test:boards [-- --board NAME | --port PORT]`: see board_under_test.ts. */
import { spawnSync } from "node:child_process";
import { oneOf, runScript, scriptOptions } from "../../dist/host/cli/run_script.js";
import { agentBoards } from "../../dist/host/emulator/agent_build.js";

await runScript(async () => {
  const { values } = scriptOptions(
    { options: { board: { type: "string" }, port: { type: "string" } } },
    "Write npm run test:boards --, then nothing, --board NAME or --port PORT.",
  );
  const board = values.board && oneOf("--board", values.board, [...agentBoards, "esp-idf"]);
  // One more try: emulators keep real time on a machine that may be busy with something else.
  const { status } = spawnSync("npx", ["vitest", "run", "test/boards", "--retry=1"], {
    stdio: "inherit",
    env: { ...process.env, WAMLET_TEST_BOARDS: values.port ?? board ?? "all" },
  });
  return status ?? 1;
});
