/**
 * The ESP-IDF port at work, on a desk: its own files, through the real session, with an ESP-IDF that is played
 * (test/boards/harness/fake_*.c). What FreeRTOS and the chips really do is not tested here.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type BoardSession, openBoard } from "../../host/board/board_session.js";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { incrementModule, testModule } from "../emulator/module_fixtures.js";
import {
  buildDesk,
  type Desk,
  type DeskOptions,
  deskMissing,
  type RunningDesk,
} from "./esp_idf_on_a_desk.js";

const code = (name: string) => expect.objectContaining({ code: name });
const endless = testModule(
  "endless",
  '(func (export "infer") (result i32) (loop $e (br $e)) (i32.const 0))',
  {
    manifest: { opcodeBudget: 1000 },
  },
);

describe.skipIf(deskMissing !== null)(`the ESP-IDF port on a desk (else ${deskMissing})`, () => {
  let desk: Desk;
  let board: RunningDesk;
  const sessions: BoardSession[] = [];
  beforeAll(async () => {
    desk = await buildDesk();
  }, 300_000);
  afterAll(() => desk?.remove());
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.close();
    await board.close();
    // Sanitizers, the task watchdog, and bytes that found the driver's ring full.
    expect(board.complaints()).toBe("");
  });

  async function start(options: DeskOptions = {}): Promise<RunningDesk> {
    board = await desk.start(options);
    return board;
  }

  async function open(url: string): Promise<BoardSession> {
    const session = await openBoard(url, { connectTimeout: 60_000 });
    sessions.push(session);
    return session;
  }

  it("is the board of its descriptor", async () => {
    const { uart } = await start();
    const { info } = await open(uart);
    const { memory, clockHertz, runtime } = loadBoard("esp32c3");
    expect(info).toMatchObject({
      board: "esp32c3",
      chip: "ESP32-C3, revision 0.4",
      serialNumber: "246f28010203",
      clockHertz: clockHertz.value,
      countUnit: "cycles",
      countSource: "mpccr",
      energySensor: "",
      memoryTotalBytes: memory.poolBytes.value,
      runtimePageBytes: runtime.pageBytes,
      storeSlots: 4,
    });
  });

  it("stores, runs and counts, and keeps what is stored through a restart", async () => {
    const { uart } = await start();
    const session = await open(uart);
    await session.deploy(incrementModule("inc", 400), { activate: true });
    const loaded = await session.load();
    const { outputs, count, nanojoules } = await loaded.infer([new Uint8Array(400).fill(8)]);
    expect(outputs).toEqual([new Uint8Array(400).fill(9)]);
    expect(count.value).toBeGreaterThan(0);
    expect(nanojoules).toBeNull();
    const before = session.info.bootId;
    await session.reset();
    expect(session.info.bootId).not.toBe(before);
    const again = await session.load();
    expect((await again.infer([new Uint8Array(400)])).outputs).toEqual([new Uint8Array(400).fill(1)]);
  });

  it("streams frames that come while modules run, and loses none of their bytes", async () => {
    const { uart } = await start();
    const session = await open(uart);
    await session.deploy(incrementModule("inc", 900));
    const loaded = await session.load("inc");
    let next = 0;
    const frames = Array.from({ length: 500 }, (_, index) => [new Uint8Array(900).fill(index)]);
    for await (const { outputs } of loaded.stream(frames)) {
      expect(outputs).toEqual([new Uint8Array(900).fill(next + 1)]);
      next++;
    }
    expect(next).toBe(500);
  });

  it("takes the task of an endless module away, again and again, and goes on", async () => {
    const { uart } = await start({ sensorReads: -1 });
    const session = await open(uart);
    const idle = session.info.memoryUsedBytes;
    for (let round = 0; round < 3; round++) {
      await session.deploy(endless);
      const loaded = await session.load("endless");
      await expect(loaded.infer([new Uint8Array(4)])).rejects.toEqual(code("WAMLET_MODULE_TIMEOUT"));
      await loaded.unload();
      expect((await session.modules())[0]?.state).toBe("faulted");
      expect((await session.refresh()).memoryUsedBytes).toBe(idle);
    }
    await session.deploy(incrementModule("inc", 4));
    const loaded = await session.load("inc");
    expect((await loaded.infer([new Uint8Array(4)])).outputs).toEqual([new Uint8Array(4).fill(1)]);
  });

  it("measures with the sensor that it found: power times at least the time of the inference", async () => {
    const { usb } = await start({ sensorReads: -1 });
    const session = await open(usb);
    expect(session.info.energySensor).toBe("INA226, shunt 100 mOhm");
    await session.deploy(incrementModule("inc", 900));
    const loaded = await session.load("inc");
    for (let round = 0; round < 20; round++) {
      const { nanojoules, energySource, microseconds } = await loaded.infer([new Uint8Array(900)]);
      expect(energySource).toBe("measured");
      // 165 mW are 165 nJ a microsecond; the account brackets the inference.
      expect(nanojoules).toBeGreaterThanOrEqual(165 * (microseconds ?? 0));
      expect((nanojoules ?? 1) % 165).toBe(0);
    }
  });

  it("knows no energy once its sensor is silent, rather than too little", async () => {
    // Three registers tell what it is; then two voltages for each inference.
    const { uart } = await start({ sensorReads: 3 + 2 });
    const session = await open(uart);
    expect(session.info.energySensor).toContain("INA226");
    await session.deploy(incrementModule("inc", 4));
    const loaded = await session.load("inc");
    await loaded.infer([new Uint8Array(4)]);
    const { energySource, nanojoules } = await loaded.infer([new Uint8Array(4)]);
    expect([energySource, nanojoules]).toEqual(["none", null]);
  });

  it("answers on the socket that the host speaks on, and follows it to the other one", async () => {
    const { uart, usb } = await start({ flash: "moving" });
    const first = await open(usb);
    await first.deploy(incrementModule("inc", 4));
    await first.close();
    const second = await open(uart);
    expect((await second.modules()).map(({ name }) => name)).toEqual(["inc"]);
    await second.close();
    const third = await open(usb);
    const loaded = await third.load("inc");
    expect((await loaded.infer([new Uint8Array(4)])).outputs).toEqual([new Uint8Array(4).fill(1)]);
  });
});
