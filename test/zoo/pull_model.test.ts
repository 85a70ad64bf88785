import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type PullOptions, pullModel } from "../../host/zoo/pull_model.js";
import type { ZooModel } from "../../host/zoo/zoo_models.js";
import { Random } from "../model/random.js";
import { type FaultyServer, startFaultyServer } from "./faulty_server.js";

const random = new Random(1);
const content = Uint8Array.from({ length: 300_000 }, () => random.integer(0, 255));

let folder = "";
let server: FaultyServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "wamlet-zoo-"));
  server = await startFaultyServer(content);
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const model = (): ZooModel => ({
  name: "noise",
  title: "Random bytes",
  task: "test",
  file: "noise.tflite",
  source: `${server.url}/at/its/source/noise.tflite`,
  bytes: content.length,
  sha256: createHash("sha256").update(content).digest("hex"),
  licence: "Apache-2.0",
  inputs: [],
  labels: [],
  quality: null,
  goldens: "",
});

const place = () => join(folder, "kept");

const pull = (options: Partial<PullOptions> = {}) =>
  pullModel(model(), {
    folder: place(),
    patience: { attempts: 4, firstPauseMilliseconds: 1, idleMilliseconds: 300 },
    ...options,
  });

/** The model is there, whole, and nothing else is. */
function expectWhole(): void {
  expect(readdirSync(place())).toEqual(["noise.tflite"]);
  expect(Buffer.compare(readFileSync(join(place(), "noise.tflite")), content)).toBe(0);
}

describe("pulling a model", () => {
  it("downloads it once and then keeps it", async () => {
    const seen: number[] = [];
    const pulled = await pull({ onProgress: (received) => seen.push(received) });
    expect(pulled).toEqual({ path: join(place(), "noise.tflite"), from: model().source });
    expectWhole();
    expect(seen.at(-1)).toBe(content.length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(await pull()).toEqual({ path: pulled.path, from: null });
    expect(server.requests).toHaveLength(1);
  });

  it("fetches it anew where the kept file was damaged", async () => {
    await pull();
    writeFileSync(join(place(), "noise.tflite"), content.with(7, (content[7] ?? 0) ^ 1));
    expect((await pull()).from).toBe(model().source);
    expectWhole();
  });

  it("continues where a connection was cut", async () => {
    server.plan({ cutAfter: 100_000 }, { cutAfter: 50_000 });
    await pull();
    expectWhole();
    const starts = server.requests.map(({ range }) => Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0));
    expect(starts).toHaveLength(3);
    expect(starts[0]).toBe(0);
    // What had arrived but was not yet read when the connection broke may be lost with it.
    expect(starts[1]).toBeGreaterThan(0);
    expect(starts[1]).toBeLessThanOrEqual(100_000);
    expect(starts[2]).toBeGreaterThanOrEqual(starts[1] ?? 0);
  });

  it("continues in a later run, after Ctrl-C too", async () => {
    server.plan({ silentAfter: 120_000 });
    const stop = new AbortController();
    const onProgress = (received: number) => {
      if (received >= 120_000) stop.abort(new Error("Ctrl-C"));
    };
    await expect(pull({ signal: stop.signal, onProgress })).rejects.toThrow("Ctrl-C");
    expect(readdirSync(place())).toEqual(["noise.tflite.part"]);
    await pull();
    expectWhole();
    expect(server.requests.at(-1)?.range).toBe("bytes=120000-");
  });

  it("gets through any number of cuts that each bring something", async () => {
    server.plan(...Array.from({ length: 14 }, () => ({ cutAfter: 20_000 })));
    await pull();
    expectWhole();
  });

  it("starts over where the server knows no ranges", async () => {
    server.plan({ cutAfter: 100_000 }, "without ranges");
    await pull();
    expectWhole();
  });

  it("starts over where what is there is of another file", async () => {
    mkdirSync(place());
    for (const beginning of [
      new Uint8Array(50_000),
      new Uint8Array(content.length),
      new Uint8Array(400_000),
    ]) {
      writeFileSync(join(place(), "noise.tflite.part"), beginning);
      await pull();
      expectWhole();
      rmSync(join(place(), "noise.tflite"));
    }
  });

  it("waits for a server that is busy, and asks again when it falls silent or ends early", async () => {
    server.plan(
      { status: 503 },
      { status: 429, headers: { "retry-after": "0" } },
      { silentAfter: 10_000 },
      {
        endAfter: 10_000,
      },
    );
    await pull();
    expectWhole();
  });

  it("gives up when nothing comes at all, and says how to go on", async () => {
    server.plan(...Array.from({ length: 9 }, () => ({ status: 503 })));
    await expect(pull()).rejects.toMatchObject({
      code: "WAMLET_DOWNLOAD_FAILED",
      message: expect.stringMatching(/503/),
      hint: expect.stringMatching(/continue where it stopped.*WAMLET_ZOO_MIRROR/),
    });
    expect(server.requests).toHaveLength(4);
  });

  it("does not ask twice for what is not there", async () => {
    server.plan({ status: 404 });
    await expect(pull()).rejects.toMatchObject({
      code: "WAMLET_DOWNLOAD_FAILED",
      message: expect.stringMatching(/404/),
    });
    expect(server.requests).toHaveLength(1);
  });

  it("gives up where no server listens", async () => {
    const gone = model();
    await server.close();
    await expect(pullModel(gone, { folder: place(), patience: quick })).rejects.toMatchObject({
      code: "WAMLET_DOWNLOAD_FAILED",
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  it("keeps nothing whose hash is wrong", async () => {
    server.plan("other bytes", "other bytes");
    await expect(pull()).rejects.toMatchObject({ code: "WAMLET_HASH_MISMATCH" });
    expect(readdirSync(place())).toEqual([]);
  });

  it.each([content.length - 1, content.length + 1, 24])(
    "refuses a file of %d bytes before it is downloaded",
    async (length) => {
      server.plan({ length });
      await expect(pull()).rejects.toMatchObject({
        code: "WAMLET_DOWNLOAD_FAILED",
        message: expect.stringMatching(/another file/),
      });
      expect(server.requests).toHaveLength(1);
    },
  );

  it("takes no more than the file's length from a server that never ends", async () => {
    server.plan("endless");
    await expect(pull()).rejects.toMatchObject({ code: "WAMLET_DOWNLOAD_FAILED" });
    const [part] = readdirSync(place());
    expect(readFileSync(join(place(), part ?? "")).length).toBeLessThanOrEqual(content.length);
    await pull();
    expectWhole();
  });

  it("refuses a range that would leave a gap", async () => {
    server.plan({ cutAfter: 1000 }, "wrong range");
    await expect(pull()).rejects.toMatchObject({ code: "WAMLET_DOWNLOAD_FAILED" });
  });

  it("twice at the same time gives one whole file to both", async () => {
    server.plan({ cutAfter: 100_000 }, { cutAfter: 30_000 });
    const [one, other] = await Promise.all([pull(), pull()]);
    expect(one.path).toBe(other.path);
    expectWhole();
  });

  it("into a folder that takes no files is a typed error", async () => {
    writeFileSync(place(), "a file");
    await expect(pull()).rejects.toMatchObject({ code: "WAMLET_FILE_UNWRITABLE" });
  });
});

const quick = { attempts: 2, firstPauseMilliseconds: 1, idleMilliseconds: 300 };

describe("a mirror", () => {
  it("at an address is asked instead of the source", async () => {
    await pull({ mirror: `${server.url}/mirror/` });
    expect(server.requests.map(({ path }) => path)).toEqual(["/mirror/noise.tflite"]);
    expectWhole();
  });

  it("that is a folder is copied from and asks nobody, by path or file URL", async () => {
    const mirror = join(folder, "mirror");
    mkdirSync(mirror);
    writeFileSync(join(mirror, "noise.tflite"), content);
    for (const named of [mirror, pathToFileURL(mirror).href]) {
      expect((await pull({ mirror: named })).from).toBe(join(mirror, "noise.tflite"));
      expectWhole();
      rmSync(join(place(), "noise.tflite"));
    }
    expect(server.requests).toEqual([]);
  });

  it("without the file, or with another one, is a typed error that names it", async () => {
    const mirror = join(folder, "mirror");
    await expect(pull({ mirror })).rejects.toMatchObject({
      code: "WAMLET_DOWNLOAD_FAILED",
      message: expect.stringContaining(join(mirror, "noise.tflite")),
    });
    mkdirSync(mirror);
    for (const other of [content.subarray(1), content.with(0, (content[0] ?? 0) ^ 1)]) {
      writeFileSync(join(mirror, "noise.tflite"), other);
      await expect(pull({ mirror })).rejects.toMatchObject({ code: "WAMLET_HASH_MISMATCH" });
      expect(readdirSync(place())).toEqual([]);
    }
  });
});
