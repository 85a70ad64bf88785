import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { example, Workplace } from "./workplace.js";

const place = new Workplace();
let digits = "";
let motion = "";
beforeAll(async () => {
  [digits, motion] = await Promise.all([place.compile("digits"), place.compile("motion")]);
});
afterAll(() => place.close());

const at = ["--port", place.port];

describe("wamlet deploy and modules, on a board that remembers", () => {
  it("stores a model, has it read back, activates it, and lists it from another process", async () => {
    const deployed = await place.json("deploy", example("digits", "digits.tflite"), ...at);
    expect(deployed).toMatchObject({ name: "digits", active: true, resumedAt: 0, clock: "virtual time" });
    expect(deployed.account.fits).toBe(true);
    const { board, slots, modules } = await place.json("modules", ...at);
    expect({ board, slots }).toEqual({ board: "esp32", slots: 4 });
    const { payloadBytes, sha256, slot } = deployed;
    expect(modules).toEqual([
      { name: "digits", version: "", payloadBytes, sha256, slot, active: true, state: "complete" },
    ]);
  });

  it("--no-activate stores a module beside the active one, by another name if wanted", async () => {
    const { exitCode, stdout } = await place.run("deploy", motion, "--no-activate", "--name", "wrist", ...at);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^wrist is on esp32 at emulator:esp32/);
    expect(stdout).toMatch(/SHA-256 matches/);
    expect(stdout).toMatch(/slot +\d, not active/);
    const { modules } = await place.json("modules", "list", ...at);
    const active = modules.filter((module: { active: boolean }) => module.active);
    expect(active.map((module: { name: string }) => module.name)).toEqual(["digits"]);
  });

  it("activates and removes by name", async () => {
    expect((await place.run("modules", "activate", "wrist", ...at)).stdout).toMatch(
      /^wrist is active now\.$/m,
    );
    expect((await place.run("modules", "remove", "digits", ...at)).stdout).toMatch(/^digits is removed\.$/m);
    const { modules } = await place.json("modules", ...at);
    expect(modules).toMatchObject([{ name: "wrist", active: true }]);
  });

  it("refuses a name that is not stored, and says which are", async () => {
    const { exitCode, stderr } = await place.run("modules", "activate", "wrst", ...at);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/esp32 stores no module "wrst"\. Did you mean wrist\? \[WAMLET_UNKNOWN_MODULE\]/);
    expect(stderr).toContain("It stores wrist.");
  });

  it("refuses to list a name, and to activate none", async () => {
    for (const words of [
      ["modules", "list", "wrist"],
      ["modules", "remove"],
    ]) {
      const { exitCode, stderr } = await place.run(...words, ...at);
      expect(exitCode).toBe(2);
      expect(stderr).toContain("WAMLET_USAGE");
    }
  });

  it("keeps a copy of what it deployed, by SHA-256", async () => {
    const { sha256 } = await place.json("deploy", digits, "--no-activate", ...at);
    expect(readdirSync(place.environment.WAMLET_CACHE ?? "")).toContain(`${sha256}.wasm`);
  });

  it("says on stderr where a virtual board forgets", async () => {
    const { stderr } = await place.run("deploy", digits, "--port", "emulator:esp32");
    expect(stderr).toMatch(/forgets.*flash=board\.flash/);
    expect((await place.run("deploy", digits, ...at)).stderr).toBe("");
  });
});

/** A board in tiny.json with so much RAM. */
async function writeTinyBoard(poolBytes: number, largestBlockBytes: number): Promise<void> {
  const small = JSON.parse(JSON.stringify(await place.json("boards", "rp2040")));
  const descriptor = {
    ...small,
    // Typed in the library, text in a descriptor.
    uf2: undefined,
    name: "tiny",
    memory: {
      ...small.memory,
      poolBytes: { value: poolBytes, source: "assumed: for this test" },
      largestBlockBytes: { value: largestBlockBytes, source: "assumed: for this test" },
    },
    cost: { table: "armv7em", source: "assumed: for this test" },
    usb: [],
    radios: [],
  };
  writeFileSync(place.path("tiny.json"), JSON.stringify(descriptor));
}

describe("a deploy onto a board that is short of RAM", () => {
  it("says what the model was compiled for instead", async () => {
    await writeTinyBoard(56_000, 32_768);
    const model = example("digits", "digits.tflite");
    const { exitCode, stderr } = await place.run(
      "deploy",
      model,
      "-O",
      "speed",
      "--port",
      "emulator:./tiny.json",
    );
    expect(exitCode).toBe(0);
    expect(stderr).toContain(
      "digits.tflite as `speed` does not fit tiny: compiled for speed, with less code",
    );
  });
});

describe("a deploy that cannot be", () => {
  it("of a module that is too large for the board is refused before anything is sent, part by part", async () => {
    await writeTinyBoard(8192, 4096);
    const { exitCode, stderr } = await place.run("deploy", digits, "--port", "emulator:./tiny.json");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/RAM pool: linear memory \d+ \+ .* too many.*\[WAMLET_DOES_NOT_FIT\]/s);
  });

  it("to a port that is not there is a typed error", async () => {
    for (const [port, code] of [
      ["/dev/ttyUSB97", "WAMLET_PORT_NOT_FOUND"],
      ["tcp://127.0.0.1:1", "WAMLET_PORT_NOT_FOUND"],
      ["emulator:esp33", "WAMLET_UNKNOWN_BOARD"],
      ["somewhere", "WAMLET_INVALID_PORT"],
    ] as const) {
      const { error } = await place.json("modules", "--port", port);
      expect(error.code).toBe(code);
    }
  });

  it("of a file that is neither model nor module is a typed error", async () => {
    writeFileSync(place.path("notes.tflite"), "shopping list");
    const { exitCode, stderr } = await place.run("deploy", "notes.tflite", ...at);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("WAMLET_INVALID_MODEL");
    const { error } = await place.json("deploy", join("nowhere", "model.wasm"), ...at);
    expect(error.code).toBe("WAMLET_FILE_NOT_FOUND");
  });
});
