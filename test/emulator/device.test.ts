import { afterEach, describe, expect, it } from "vitest";
import type { Board } from "../../host/descriptor/board.js";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { Flash } from "../../host/emulator/flash.js";
import { flashGeometry } from "../../host/emulator/flash_geometry.js";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import { VirtualBoard } from "../../host/emulator/virtual_board.js";
import { deviceErrorName } from "../../host/wire/error_code.js";
import {
  encodeMessage,
  type Message,
  type MessageType,
  message,
  messageTypes,
} from "../../host/wire/message.js";
import { patience, rounds } from "../fuzz/mutations.js";
import { incrementModule } from "./module_fixtures.js";
import { WireHost } from "./wire_host.js";

const boards: VirtualBoard[] = [];

function powerOn(board: Board): VirtualBoard {
  const virtual = new VirtualBoard({ board, flash: new Flash(flashGeometry(board.store)), pace: "fast" });
  boards.push(virtual);
  return virtual;
}

afterEach(async () => {
  await Promise.all(boards.splice(0).map((board) => board.close()));
});

/** A small store, so that listings and full stores come soon. */
const board: Board = {
  ...loadBoard("esp32"),
  store: { slots: 12, slotBytes: 8192, sectorBytes: 4096, wordBytes: 4 },
};

const ask = (host: WireHost, request: Message) => host.ask(encodeMessage(request)).then(([answer]) => answer);

async function errorOf(host: WireHost, request: Message): Promise<string | null> {
  const answer = await ask(host, request);
  return answer?.type === "error" ? deviceErrorName(answer.code) : `not an error but ${answer?.type}`;
}

async function deploy(host: WireHost, name: string): Promise<void> {
  const module = incrementModule(name, 8);
  await ask(host, message("deploy-begin", { request: 1, manifest: module.manifestBytes }));
  await host.ask(encodeMessage(message("deploy-chunk", { offset: 0, data: module.payload })), 0);
  expect((await ask(host, message("deploy-commit", { request: 2 })))?.type).toBe("deployed");
}

describe("the device side of the protocol", () => {
  it("lists more modules than one message holds, page by page", async () => {
    const host = new WireHost(powerOn(board), 576);
    const names = Array.from({ length: 12 }, (_, index) => `module_with_a_long_name_${index}`);
    for (const name of names) await deploy(host, name);
    const listed: string[] = [];
    while (listed.length < 12) {
      const page = await ask(host, message("list", { request: 3, first: listed.length }));
      if (page?.type !== "modules") throw new Error(`${page?.type} is no page`);
      expect(page.total).toBe(12);
      expect(page.modules.length).toBeLessThan(12);
      expect(encodeMessage(page).length).toBeLessThanOrEqual(576);
      listed.push(...page.modules.map(({ name }) => name));
    }
    expect(listed).toEqual(names);
  });

  it("answers every request that makes no sense with the error that says so", async () => {
    const host = new WireHost(powerOn(board));
    await deploy(host, "inc");
    const refusals: [Message, string][] = [
      [message("deploy-commit", { request: 1 }), "no-deploy"],
      [message("deploy-begin", { request: 1, manifest: Uint8Array.of(1, 2, 3) }), "invalid-manifest"],
      [message("activate", { request: 1, name: "nothing" }), "unknown-module"],
      [message("remove", { request: 1, name: "nothing" }), "unknown-module"],
      [message("load", { request: 1, name: "nothing" }), "unknown-module"],
      [message("load", { request: 1 }), "no-active-module"],
      [message("unload", { request: 1, handle: 9 }), "unknown-handle"],
      [message("counters", { request: 1, handle: 9 }), "unknown-handle"],
      [message("reset", { request: 1, target: "state", handle: 9 }), "unknown-handle"],
      [message("input", { handle: 9 }), "unknown-handle"],
      [message("info", { request: 1 }), "unknown-message"],
    ];
    for (const [request, name] of refusals) expect(await errorOf(host, request), request.type).toBe(name);
    const [unknown] = await host.ask(Uint8Array.of(0x3f, 1, 1, 7));
    expect(unknown).toMatchObject({ type: "error", request: 7, code: 1, numbers: [0x3f] });
    const [malformed] = await host.ask(Uint8Array.of(0x08, 1, 1, 7, 2, 200));
    expect(malformed).toMatchObject({ type: "error", code: 2, numbers: [8] });
  });

  it("refuses input that is no whole frame, once a frame, and takes the next one", async () => {
    const host = new WireHost(powerOn(board));
    await deploy(host, "inc");
    await ask(host, message("load", { request: 1, name: "inc" }));
    const input = (fields: Partial<Message & { type: "input" }>) =>
      message("input", { handle: 1, ...fields });
    const data = new Uint8Array(8).fill(1);
    expect(await errorOf(host, input({ frame: 1, tensor: 1, data }))).toBe("wrong-tensor");
    expect(await errorOf(host, input({ frame: 2, data: data.subarray(1) }))).toBe("wrong-length");
    expect(await errorOf(host, input({ frame: 3, data: new Uint8Array(9) }))).toBe("wrong-length");
    expect(await errorOf(host, input({ frame: 4, offset: 4, data }))).toBe("wrong-length");
    expect(await errorOf(host, input({ frame: 5, layers: true, data }))).toBe("no-layers");
    // Of a frame in pieces only the first bad one is answered.
    expect(await errorOf(host, input({ frame: 6, offset: 2, data: data.subarray(4), more: true }))).toBe(
      "wrong-length",
    );
    await host.ask(encodeMessage(input({ frame: 6, offset: 4, data: data.subarray(4) })), 0);
    const answer = await ask(host, input({ frame: 7, data }));
    expect(answer).toMatchObject({ type: "result", frame: 7, data: new Uint8Array(8).fill(2), more: false });
    // A frame that was begun gives way to the next one.
    await host.ask(encodeMessage(input({ frame: 8, data: data.subarray(4), more: true })), 0);
    expect(await ask(host, input({ frame: 9, data }))).toMatchObject({ type: "result", frame: 9 });
  });

  it("answers a bad chunk of a deploy once, and the deploy goes on after a new beginning", async () => {
    const host = new WireHost(powerOn(board));
    const module = incrementModule("inc", 8);
    const begin = message("deploy-begin", { request: 1, manifest: module.manifestBytes });
    await ask(host, begin);
    expect(await errorOf(host, message("deploy-chunk", { offset: 5, data: Uint8Array.of(1) }))).toBe(
      "wrong-offset",
    );
    await host.ask(encodeMessage(message("deploy-chunk", { offset: 6, data: Uint8Array.of(1) })), 0);
    expect(await ask(host, begin)).toMatchObject({ type: "deploy-ready", offset: 0 });
    await host.ask(encodeMessage(message("deploy-chunk", { offset: 0, data: module.payload })), 0);
    expect((await ask(host, message("deploy-commit", { request: 2 })))?.type).toBe("deployed");
  });

  it("sends of its log what it was asked for", async () => {
    const host = new WireHost(powerOn(board));
    await deploy(host, "quiet");
    expect(host.log).toEqual([]);
    expect((await ask(host, message("log-level", { request: 1, level: 3 })))?.type).toBe("done");
    await deploy(host, "loud");
    expect(host.log).toContain("loud 1 is stored in slot 1");
  });

  it(
    `survives ${rounds} random messages and answers as before`,
    async () => {
      const virtual = powerOn(board);
      const host = new WireHost(virtual);
      await deploy(host, "inc");
      await ask(host, message("load", { request: 1, name: "inc" }));
      const random = new SeededRandom(20261122);
      const types = Object.keys(messageTypes) as MessageType[];
      for (let round = 0; round < rounds; round++) {
        const type = types[random.below(types.length)] as MessageType;
        const request = encodeMessage(randomMessage(type, random));
        for (let damage = random.below(3); damage > 0; damage--) {
          request[random.below(request.length)] = random.below(256);
        }
        // A reset of the board ends the session; that it works is promised elsewhere.
        if (request[0] === messageTypes.reset.number) continue;
        await host.ask(
          request.subarray(0, random.chance(0.1) ? random.below(request.length) + 1 : undefined),
          0,
        );
      }
      const isAnswer = (one: { type: string; request?: number }) =>
        one.type === "info" && one.request === 60_000;
      await host.ask(encodeMessage(message("hello", { request: 60_000 })), 0);
      await host.until(() => host.received.some(isAnswer));
      expect(host.received.find(isAnswer)).toMatchObject({ board: "esp32", storeSlots: 12 });
    },
    patience(rounds),
  );
});

function randomMessage(type: MessageType, random: SeededRandom): Message {
  const bytes = Uint8Array.from({ length: random.below(40) }, () => random.below(256));
  const manifest = incrementModule("inc", 8 + random.below(2)).manifestBytes;
  return message(type, {
    request: random.below(60_000),
    handle: random.below(3),
    frame: random.below(4),
    tensor: random.below(2),
    offset: random.below(12),
    first: random.below(5),
    level: random.below(6),
    more: random.chance(0.5),
    layers: false,
    name: ["", "inc", "x", "Ä\u0000"][random.below(4)] ?? "",
    data: bytes,
    manifest: random.chance(0.5) ? manifest : bytes,
  } as never) as Message;
}
