import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { conformanceFolder } from "../reference/conformance.js";
import { startFaultyServer } from "../zoo/faulty_server.js";
import { runWamlet } from "./run_wamlet.js";
import { Workplace } from "./workplace.js";

const place = new Workplace();
afterAll(() => place.close());

/** No test may ask a public host: the mirror is a folder, or a server on the loopback interface. */
const mirror = place.path("mirror");
const wamlet = (words: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  runWamlet(words, {
    cwd: place.folder,
    environment: { ...place.environment, WAMLET_ZOO_MIRROR: mirror, ...environment },
  });

describe("wamlet zoo", () => {
  it("lists the models, and as JSON", async () => {
    const { stdout, exitCode } = await wamlet(["zoo"]);
    expect(exitCode).toBe(0);
    for (const name of ["kws", "vww", "ic", "ad", "micro_speech", "hello_world"]) {
      expect(stdout).toMatch(new RegExp(`^${name} `, "m"));
    }
    const { models } = JSON.parse((await wamlet(["zoo", "list", "--json"])).stdout);
    expect(models[0]).toMatchObject({ name: "kws", bytes: 53936, licence: "Apache-2.0" });
  });

  it("tells all of one model", async () => {
    const { stdout } = await wamlet(["zoo", "info", "kws"]);
    expect(stdout).toContain("aeea436800704fce17b17292e4412630ad856e9d777c044c64ef748a880bd0ae");
    expect(stdout).toMatch(/yes, silence, unknown/);
    expect(stdout).toContain("Apache-2.0");
  });

  it("a name that it does not have is an error with the name that was meant", async () => {
    for (const words of [
      ["zoo", "info", "vvw"],
      ["zoo", "pull", "vvw"],
      ["compile", "zoo:vvw"],
    ]) {
      const { exitCode, stdout } = await wamlet([...words, "--json"]);
      expect(exitCode).toBe(1);
      expect(JSON.parse(stdout).error).toMatchObject({
        code: "WAMLET_UNKNOWN_MODEL",
        message: expect.stringContaining("Did you mean vww?"),
      });
    }
  });

  it("without a name, or with one too many, is wrong usage", async () => {
    for (const words of [
      ["zoo", "pull"],
      ["zoo", "list", "kws"],
    ]) {
      expect((await wamlet(words)).exitCode).toBe(2);
    }
  });

  it("says where a mirror lacks a file, and compiles nothing", async () => {
    const { exitCode, stdout } = await wamlet(["compile", "zoo:kws", "--json"]);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({
      code: "WAMLET_DOWNLOAD_FAILED",
      message: expect.stringContaining(join(mirror, "kws_ref_model.tflite")),
    });
    expect(readdirSync(place.folder)).not.toContain("kws.wasm");
  });

  it("refuses another file under the right name", async () => {
    const server = await startFaultyServer(new Uint8Array(53936));
    try {
      const { exitCode, stdout } = await wamlet(["zoo", "pull", "kws", "--json"], {
        WAMLET_ZOO_MIRROR: server.url,
      });
      expect(exitCode).toBe(1);
      expect(JSON.parse(stdout).error.code).toBe("WAMLET_HASH_MISMATCH");
      expect(server.requests).toEqual([{ path: "/kws_ref_model.tflite", range: undefined }]);
    } finally {
      await server.close();
    }
  });
});

describe.skipIf(conformanceFolder === null)("a model of the zoo (needs the conformance data)", () => {
  const published = (name: string) => join(conformanceFolder ?? "", "models", name, "model.tflite");

  it("is pulled once, and taken wherever a model is", async () => {
    mkdirSync(mirror, { recursive: true });
    copyFileSync(published("hello_world_int8"), join(mirror, "hello_world_int8.tflite"));
    const pull = async () => JSON.parse((await wamlet(["zoo", "pull", "hello_world", "--json"])).stdout);
    expect(await pull()).toMatchObject({
      path: join(place.environment.WAMLET_CACHE ?? "", "zoo", "hello_world_int8.tflite"),
      from: join(mirror, "hello_world_int8.tflite"),
    });
    expect(await pull()).toMatchObject({ from: null });

    const compiled = await wamlet(["compile", "zoo:hello_world", "--json"], {
      WAMLET_ZOO_MIRROR: "/nowhere",
    });
    expect(JSON.parse(compiled.stdout)).toMatchObject({ path: "hello_world.wasm", name: "hello_world" });
    expect(JSON.parse((await wamlet(["inspect", "zoo:hello_world", "--json"])).stdout).problem).toBeNull();

    const folder = join(conformanceFolder ?? "", "models/hello_world_int8");
    const frames = ["-i", join(folder, "in_00.bin"), "-g", join(folder, "out_00.bin")];
    const validated = await wamlet(["validate", "zoo:hello_world", ...frames, "--json"]);
    expect(JSON.parse(validated.stdout)).toMatchObject({ cases: 1, exact: 1 });
    const deployed = await wamlet(["deploy", "zoo:hello_world", "--port", place.port, "--json"]);
    expect(JSON.parse(deployed.stdout)).toMatchObject({ name: "hello_world", active: true });
  });

  it("brings its class names along", async () => {
    copyFileSync(published("micro_speech_quantized"), join(mirror, "micro_speech_quantized.tflite"));
    const { exitCode, stderr } = await wamlet(["compile", "zoo:micro_speech"]);
    expect(exitCode, stderr).toBe(0);
    const { stdout } = await wamlet(["inspect", "micro_speech.wasm", "--json"]);
    expect(JSON.stringify(JSON.parse(stdout).module)).toContain('"silence","unknown","yes","no"');
  });
});
