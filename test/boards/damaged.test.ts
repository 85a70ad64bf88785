/** Modules with damaged bytes under a right hash: whatever they are, the board answers and lives on. */
import { createHash } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { openBoard } from "../../host/board/board_session.js";
import type { LoadedModule } from "../../host/board/loaded_module.js";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import { WamletError } from "../../host/errors.js";
import { encodeManifest } from "../../host/module/manifest_codec.js";
import { incrementModule, type TestModule } from "../emulator/module_fixtures.js";
import { boardsMissing, boardsUnderTest } from "./board_under_test.js";

function damaged(module: TestModule, random: SeededRandom): TestModule {
  const payload = module.payload.slice();
  for (let hits = 1 + random.below(3); hits > 0; hits--) {
    payload[8 + random.below(payload.length - 8)] = random.below(256);
  }
  const payloadSha256 = new Uint8Array(createHash("sha256").update(payload).digest());
  const manifest = { ...module.manifest, payloadSha256, opcodeBudget: 1000 };
  return { payload, manifest, manifestBytes: encodeManifest(manifest) };
}

/** Resolves to what the board said, if it refused. */
async function refusalOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (!(error instanceof WamletError)) throw error;
    return error.code;
  }
}

describe.skipIf(boardsUnderTest.length === 0)(`damaged modules (else ${boardsMissing})`, () => {
  for (const board of boardsUnderTest) {
    it(`${board.name} refuses or runs them, and gives all memory back`, { timeout: 900_000 }, async () => {
      const running = await board.start();
      onTestFinished(() => running.close());
      const session = await openBoard(running.url);
      onTestFinished(() => session.close());
      const idleBytes = session.info.memoryUsedBytes;
      const { bootId } = session.info;
      const random = new SeededRandom(17);
      const sound = incrementModule("damaged", 8);
      const seen = new Set<string | null>();
      for (let round = 0; round < 300; round++) {
        await session.deploy(damaged(sound, random));
        let loaded: LoadedModule | undefined;
        let refusal = await refusalOf(
          session.load("damaged").then((module) => {
            loaded = module;
          }),
        );
        if (loaded !== undefined) {
          refusal = await refusalOf(loaded.infer([new Uint8Array(8)]));
          await loaded.unload();
        }
        seen.add(refusal);
        await session.remove("damaged");
      }
      const { memoryUsedBytes, bootId: after } = await session.refresh();
      expect(memoryUsedBytes).toBe(idleBytes);
      expect(after).toBe(bootId);
      // Some are refused at their load, some trap, some still run; a few may never end.
      expect([...seen]).toEqual(
        expect.arrayContaining([null, "WAMLET_INVALID_MODULE", "WAMLET_MODULE_OUT_OF_BOUNDS"]),
      );
    });
  }
});
