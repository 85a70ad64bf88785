import { existsSync, readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { readModule } from "../../host/module/layout.js";
import { example, type Running, Workplace } from "./workplace.js";

const place = new Workplace();
const frames = example("motion", "frames.csv");
let motion = "";
let board: Running & { readonly url: string };
beforeAll(async () => {
  [motion, board] = await Promise.all([place.compile("motion"), place.emulate("--pace", "fast")]);
});
afterAll(async () => {
  await board.end();
  place.close();
});

/** Passes bytes on in both directions until so many have gone to the board, then nothing more. */
async function cableThatBreaks(url: string, bytesToBoard: number) {
  const { hostname, port } = new URL(url.replace("tcp:", "http:"));
  const sockets: Socket[] = [];
  let breaks: () => void = () => {};
  const broken = new Promise<void>((resolve) => {
    breaks = resolve;
  });
  const server = createServer((host) => {
    const board = connect({ host: hostname, port: Number(port) });
    sockets.push(
      host.on("error", () => {}),
      board.on("error", () => {}),
    );
    let passed = 0;
    host.on("data", (bytes: Buffer) => {
      passed += bytes.length;
      if (passed < bytesToBoard) board.write(bytes);
      else breaks();
    });
    board.on("data", (bytes: Buffer) => void (passed < bytesToBoard && host.write(bytes)));
    host.on("close", () => board.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const end = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { url: `tcp://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, broken, end };
}

describe.skipIf(process.platform === "win32")("a virtual board in one process, its users in others", () => {
  it("says READY with the port to use, and what stands behind it on stderr", () => {
    expect(board.stdout).toMatch(/^READY tcp:\/\/127\.0\.0\.1:\d+\n$/);
    expect(board.stderr).toContain(loadBoard("esp32").title);
  });

  it("takes a deploy from one command and frames from the next", async () => {
    const deployed = await place.json("deploy", motion, "--port", board.url);
    expect(deployed).toMatchObject({ name: "motion", active: true, clock: "wall clock" });
    const report = await place.json("stream", frames, "-n", "30", "--port", board.url);
    expect(report).toMatchObject({
      clock: "wall clock",
      measurements: { frames: 30 },
      model: { name: "motion" },
    });
    expect(report.measurements.accuracy.labelled).toBe(30);
  });

  it("is usable after Ctrl-C in the middle of a stream, which reports what came until then", async () => {
    const stream = place.start("stream", frames, "-n", "1000000", "-o", "table", "--port", board.url);
    await stream.saw(/^ +5 {2}/m);
    expect(await stream.end("SIGINT")).toBe(2);
    expect(stream.stdout).toMatch(/interrupted\n/);
    expect(stream.stdout).toMatch(/per inference +min/);
    expect(stream.stderr).toContain("WAMLET_INTERRUPTED");
    const report = await place.json("stream", frames, "-n", "3", "--port", board.url);
    expect(report.measurements.frames).toBe(3);
  });

  it("prints nothing but the error where a stream for a program is interrupted", async () => {
    const words = ["stream", frames, "-n", "1000000", "--json", "--record", "cut.jsonl", "--port", board.url];
    const stream = place.start(...words);
    // The recording shows that answers come.
    await vi.waitUntil(() => existsSync(place.path("cut.jsonl")), { timeout: 60_000 });
    expect(await stream.end("SIGINT")).toBe(2);
    expect(JSON.parse(stream.stdout)).toMatchObject({ error: { code: "WAMLET_INTERRUPTED" } });
  });

  it("goes on with a deploy that Ctrl-C cut off, and does not show it as a module until then", async () => {
    const digits = await place.compile("digits");
    const { payload } = readModule(new Uint8Array(readFileSync(digits)));
    // Near the end at most a window of 4 KiB is under way, so the board has stored a sector of 4 KiB by then.
    const cable = await cableThatBreaks(board.url, payload.length - 300);
    const cut = place.start("deploy", digits, "--port", cable.url);
    await cable.broken;
    expect(await cut.end("SIGINT")).toBe(2);
    cable.end();
    const { modules } = await place.json("modules", "--port", board.url);
    expect(modules).toContainEqual(
      expect.objectContaining({ name: "digits", state: "partial", active: false }),
    );
    const deployed = await place.json("deploy", digits, "--no-activate", "--port", board.url);
    expect(deployed.resumedAt).toBeGreaterThan(0);
    expect(deployed.sentBytes).toBe(deployed.payloadBytes - deployed.resumedAt);
    const again = await place.run("deploy", digits, "--no-activate", "--port", board.url);
    expect(again.stdout).toMatch(/sent +nothing: the board had all of it/);
    await place.run("modules", "remove", "digits", "--port", board.url);
  });

  it("gives the line to one client at a time", async () => {
    const stream = place.start("stream", frames, "-n", "1000000", "-o", "csv", "--port", board.url);
    await stream.saw(/^4,/m);
    const { error } = await place.json("modules", "--port", board.url);
    expect(["WAMLET_LINE_CLOSED", "WAMLET_LINE_TIMEOUT"]).toContain(error.code);
    await stream.end();
    expect((await place.json("modules", "--port", board.url)).modules).toHaveLength(1);
  });

  it("ends in order with exit code 0, and keeps its flash in a file for the next time", async () => {
    const flash = ["--flash", place.path("kept.flash"), "--pace", "fast"];
    const first = await place.emulate(...flash);
    await place.run("deploy", motion, "--port", first.url);
    expect(await first.end("SIGINT")).toBe(0);
    const second = await place.emulate(...flash);
    const { modules } = await place.json("modules", "--port", second.url);
    expect(modules).toMatchObject([{ name: "motion", active: true }]);
    expect(await second.end("SIGTERM")).toBe(0);
  });

  it("that is unplugged in the middle of a stream is a typed error of the line", async () => {
    const unplugged = await place.emulate("--pace", "fast");
    const stream = place.start(
      "stream",
      frames,
      "-m",
      motion,
      "-n",
      "1000000",
      "-o",
      "csv",
      "--port",
      unplugged.url,
    );
    await stream.saw(/^4,/m);
    await unplugged.end("SIGKILL");
    expect(await stream.ended).toBe(1);
    expect(stream.stderr).toContain("WAMLET_LINE_CLOSED");
  });

  it.skipIf(process.platform === "win32")(
    "that falls silent is given up after --timeout seconds",
    async () => {
      const silent = await place.emulate("--pace", "fast");
      const words = ["-m", motion, "-n", "1000000", "-o", "csv", "--timeout", "1.5", "--port", silent.url];
      const stream = place.start("stream", frames, ...words);
      await stream.saw(/^4,/m);
      silent.child.kill("SIGSTOP");
      expect(await stream.ended).toBe(1);
      expect(stream.stderr).toMatch(/silent for 1\.5 s .*\[WAMLET_LINE_TIMEOUT\]/);
      expect(stream.stderr).toContain("--timeout SECONDS");
      await silent.end("SIGKILL");
    },
  );

  it("refuses an address that is none, a port in use, and a board nobody knows", async () => {
    for (const [words, code] of [
      [["--listen", "udp:7"], "WAMLET_INVALID_PORT"],
      [["--listen", board.url], "WAMLET_PORT_BUSY"],
      [["--board", "esp33"], "WAMLET_UNKNOWN_BOARD"],
    ] as const) {
      expect((await place.json("emulate", ...words)).error.code).toBe(code);
    }
  });

  it("--json says READY as a line of JSON", async () => {
    const served = place.start("emulate", "--board", "rp2040", "--json");
    await served.saw(/\n/);
    expect(JSON.parse(served.stdout)).toMatchObject({
      ready: true,
      board: "rp2040",
      pace: "real",
      flash: null,
    });
    expect(await served.end()).toBe(0);
  });
});

describe("a port behind which no agent answers", () => {
  it("is a typed error, and the port is closed", async () => {
    let gone: () => void = () => {};
    const closed = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const server = createServer((socket: Socket) => void socket.resume().on("close", gone));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const { error } = await place.json("modules", "--port", `tcp://127.0.0.1:${port}`);
    expect(error.code).toBe("WAMLET_LINE_TIMEOUT");
    await closed;
    server.close();
  });
});
