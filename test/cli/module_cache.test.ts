import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cacheFolder, recallModule, rememberModule } from "../../host/cli/module_cache.js";
import { readModule, type WamletModule } from "../../host/module/layout.js";
import { Workplace } from "./workplace.js";

const place = new Workplace();
let module: WamletModule;
beforeAll(async () => {
  module = readModule(new Uint8Array(readFileSync(await place.compile("motion"))));
});
afterAll(() => place.close());

const environment = { WAMLET_CACHE: place.path("modules") };
const fileOf = ({ manifest }: WamletModule) =>
  join(environment.WAMLET_CACHE, `${Buffer.from(manifest.payloadSha256).toString("hex")}.wasm`);

describe("the modules that were deployed from here", () => {
  it("are found again by the SHA-256 of their payload, and others are not", async () => {
    expect(await recallModule(module.manifest.payloadSha256, environment)).toBeNull();
    await rememberModule(module, environment);
    const recalled = await recallModule(module.manifest.payloadSha256, environment);
    expect(recalled?.description).toEqual(module.description);
    expect(await recallModule(new Uint8Array(32), environment)).toBeNull();
  });

  it("are not believed where their file was changed", async () => {
    await rememberModule(module, environment);
    const bytes = new Uint8Array(module.bytes);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    writeFileSync(fileOf(module), bytes);
    expect(await recallModule(module.manifest.payloadSha256, environment)).toBeNull();
  });

  it("are at most 64: the longest unused make room, and other files are left alone", async () => {
    const folder = environment.WAMLET_CACHE;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "notes.txt"), "mine");
    for (let index = 0; index < 70; index++) {
      const path = join(folder, `${index.toString(16).padStart(64, "0")}.wasm`);
      writeFileSync(path, "");
      utimesSync(path, 1000 + index, 1000 + index);
    }
    await rememberModule(module, environment);
    const names = readdirSync(folder);
    expect(names.filter((name) => name.endsWith(".wasm"))).toHaveLength(64);
    expect(names).toContain("notes.txt");
    expect(existsSync(fileOf(module))).toBe(true);
    expect(names).not.toContain(`${"0".repeat(64)}.wasm`);
  });

  it("are forgotten without harm where the folder cannot be written", async () => {
    const blocked = { WAMLET_CACHE: join(fileOf(module), "below a file") };
    await rememberModule(module, environment);
    await rememberModule(module, blocked);
    expect(await recallModule(module.manifest.payloadSha256, blocked)).toBeNull();
  });

  it("lie in the user's own cache folder", () => {
    expect(cacheFolder({ WAMLET_CACHE: "/x" })).toBe("/x");
    if (process.platform === "linux") {
      expect(cacheFolder({ XDG_CACHE_HOME: "/c" })).toBe(join("/c", "wamlet", "modules"));
      expect(cacheFolder({})).toMatch(/\.cache\/wamlet\/modules$/);
    }
  });
});
