import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type BoardSession, openBoard } from "../../host/board/board_session.js";
import { loadBoard } from "../../host/descriptor/load_board.js";
import {
  type ServedBoard,
  type ServeEvent,
  type ServeOptions,
  serveBoard,
} from "../../host/emulator/serve.js";
import { incrementModule } from "./module_fixtures.js";

const served: ServedBoard[] = [];
const sessions: BoardSession[] = [];

async function serve(options: Partial<ServeOptions> = {}): Promise<ServedBoard> {
  const board = await serveBoard({ board: loadBoard("esp32"), listen: "tcp:0", ...options });
  served.push(board);
  return board;
}

function connectTo({ address }: ServedBoard): Socket {
  return connect(address.type === "tcp" ? { ...address } : { path: address.path });
}

async function open(board: ServedBoard): Promise<BoardSession> {
  const session = await openBoard(board.url);
  sessions.push(session);
  return session;
}

async function left(events: readonly ServeEvent[]): Promise<void> {
  while (!events.some(({ type }) => type === "left")) await new Promise((resolve) => setTimeout(resolve, 5));
}

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
  await Promise.all(served.splice(0).map((board) => board.close()));
});

describe("a board served over TCP", () => {
  it("is a board like any other, on this machine alone unless another address is given", async () => {
    const board = await serve();
    expect(board.address).toMatchObject({ type: "tcp", host: "127.0.0.1" });
    const session = await open(board);
    expect(session.info.board).toBe("esp32");
    await session.deploy(incrementModule("inc", 4));
    const loaded = await session.load("inc");
    expect((await loaded.infer([Uint8Array.of(1, 2, 3, 4)])).outputs[0]).toEqual(Uint8Array.of(2, 3, 4, 5));
  });

  it("never runs ahead of real time", async () => {
    const board = await serve();
    const started = performance.now();
    const before = board.board.clock.now;
    const session = await open(board);
    await session.deploy(incrementModule("inc", 4));
    const virtual = (board.board.clock.now - before) / 1e6;
    // Erasing and programming flash alone take tens of milliseconds.
    expect(virtual).toBeGreaterThan(40);
    expect(performance.now() - started).toBeGreaterThanOrEqual(virtual - 1);
  });

  it("tells a second client that it is in use, and stays with the first", async () => {
    const events: ServeEvent[] = [];
    const board = await serve({ onEvent: (event) => events.push(event) });
    const session = await open(board);
    const told = await new Promise<string>((resolve) => {
      let text = "";
      const second = connectTo(board);
      second.on("data", (bytes) => {
        text += bytes.toString();
      });
      second.on("close", () => resolve(text));
    });
    expect(told).toContain("in use by another client");
    expect(events.map(({ type }) => type)).toEqual(["connected", "refused"]);
    expect((await session.refresh()).board).toBe("esp32");
  });

  it("stays usable when a client goes away in the middle of a deploy", async () => {
    const events: ServeEvent[] = [];
    const board = await serve({ onEvent: (event) => events.push(event) });
    const padding = "(i32.store (i32.const 4) (i32.const 1))".repeat(3000);
    const module = incrementModule("inc", 4);
    const first = await open(board);
    await first.deploy(module);
    const aborted = new AbortController();
    const long = incrementModule("long", 4, { imports: `(func $padding ${padding})` });
    const deploying = first.deploy(long, {
      signal: aborted.signal,
      onProgress: () => aborted.abort(),
    });
    await expect(deploying).rejects.toMatchObject({ code: "WAMLET_INTERRUPTED" });
    await first.close();
    while (!events.some(({ type }) => type === "left"))
      await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await open(board);
    expect((await second.modules()).map(({ name, state }) => [name, state])).toEqual([
      ["inc", "complete"],
      ["long", "partial"],
    ]);
  });

  it("keeps its flash in a file for the next time", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wamlet-serve-"));
    try {
      const flash = join(folder, "board.flash");
      const first = await serve({ flash });
      await (await open(first)).deploy(incrementModule("inc", 4), { activate: true });
      await sessions.pop()?.close();
      await first.close();
      const second = await serve({ flash });
      expect((await (await open(second)).load()).name).toBe("inc");
    } finally {
      await sessions.pop()?.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("survives noise from a client", async () => {
    const events: ServeEvent[] = [];
    const board = await serve({ onEvent: (event) => events.push(event) });
    const noisy = connectTo(board);
    const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => (index * 7919) >> 3);
    await new Promise<void>((resolve) => noisy.write(bytes, () => resolve()));
    noisy.destroy();
    await new Promise<void>((resolve) => noisy.on("close", () => resolve()));
    await left(events);
    expect((await open(board)).info.board).toBe("esp32");
  });

  it("refuses addresses that are none, and ports that are taken", async () => {
    for (const listen of ["7070", "tcp:", "tcp:99999", "tcp::7070", "udp:1"]) {
      await expect(serve({ listen })).rejects.toMatchObject({ code: "WAMLET_INVALID_PORT" });
    }
    const board = await serve();
    await expect(serve({ listen: board.url })).rejects.toMatchObject({ code: "WAMLET_PORT_BUSY" });
  });

  it.skipIf(process.platform === "win32")("listens at a socket of this machine, too", async () => {
    const folder = mkdtempSync(join(tmpdir(), "wamlet-serve-"));
    const path = join(folder, "board.sock");
    const events: ServeEvent[] = [];
    const board = await serve({ listen: `unix:${path}`, onEvent: (event) => events.push(event) });
    expect(board.url).toBe(`unix:${path}`);
    const session = await open(board);
    await session.deploy(incrementModule("inc", 4));
    expect((await session.modules()).map(({ name }) => name)).toEqual(["inc"]);
    expect(events[0]).toEqual({ type: "connected", peer: "a client" });
    await expect(serve({ listen: board.url })).rejects.toMatchObject({ code: "WAMLET_PORT_BUSY" });
    await session.close();
    await board.close();
    expect(existsSync(path)).toBe(false);
    rmSync(folder, { recursive: true });
  });

  it.skipIf(process.platform === "win32")(
    "takes the place of a socket that a killed process has left, and of nothing else",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "wamlet-serve-"));
      const path = join(folder, "board.sock");
      const listening =
        "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 9))";
      spawnSync(process.execPath, ["-e", listening, path]);
      expect(lstatSync(path).isSocket()).toBe(true);
      const session = await open(await serve({ listen: `unix:${path}` }));
      expect(session.info.board).toBe("esp32");
      const file = join(folder, "file");
      writeFileSync(file, "kept");
      await expect(serve({ listen: `unix:${file}` })).rejects.toMatchObject({ code: "WAMLET_INVALID_PORT" });
      expect(readFileSync(file, "utf8")).toBe("kept");
      await expect(serve({ listen: `unix:${folder}/${"long".repeat(40)}` })).rejects.toMatchObject({
        code: "WAMLET_INVALID_PORT",
      });
      await Promise.all(sessions.splice(0).map((opened) => opened.close()));
      await Promise.all(served.splice(0).map((board) => board.close()));
      rmSync(folder, { recursive: true });
    },
  );
});
