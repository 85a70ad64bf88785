import { describe, expect, it } from "vitest";
import { frameCost } from "../../host/wire/frame.js";
import type { LinkEvent } from "../../host/wire/link.js";
import { chance } from "./random.js";
import { numbered, SimulatedLine } from "./simulated_line.js";

function messages(events: readonly LinkEvent[]): Uint8Array[] {
  return events.flatMap((event) => (event.type === "message" ? [event.payload] : []));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Sends `count` messages, has the device answer each, and checks both directions for every one, in order. */
function exchange(line: SimulatedLine, count: number, longest: number): void {
  const sent: Uint8Array[] = [];
  const answers: Uint8Array[] = [];
  line.onDeviceMessage = (payload) => {
    const answer = numbered(answers.length, line.random() % 200);
    answers.push(answer);
    line.device.send(answer);
    expect(Buffer.compare(payload, sent[answers.length - 1] as Uint8Array)).toBe(0);
  };
  line.host.expecting = true;
  line.run(() => {
    if (line.host.isOpen && sent.length < count && line.host.unsent < 4) {
      const message = numbered(sent.length, line.random() % longest);
      sent.push(message);
      line.host.send(message);
    }
    // Events other than messages are few, so this is looked at only when it may be true.
    return line.hostEvents.length > count && messages(line.hostEvents).length >= count;
  });
  line.host.expecting = false;
  for (let rest = 0; rest < 3000; rest++) line.step();
  expect(messages(line.deviceEvents).map(hex)).toEqual(sent.map(hex));
  expect(messages(line.hostEvents).map(hex)).toEqual(answers.map(hex));
  expect(answers.length).toBe(count);
}

describe("a link over a bad line", () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`delivers every message exactly once and in order at 1 % of each fault, seed ${seed}`, () => {
      const line = new SimulatedLine({ seed, faults: 0.01 });
      exchange(line, 1500, 600);
      expect(line.host.statistics.resent + line.device.statistics.resent).toBeGreaterThan(0);
      expect(line.mostUnderWay).toBeLessThanOrEqual(line.window);
    });
  }

  it("delivers every message exactly once where one frame in five is spoiled", () => {
    exchange(new SimulatedLine({ seed: 5, faults: 0.05 }), 300, 300);
  });

  it("delivers through a window that holds a single frame", () => {
    const bufferBytes = frameCost(576) + 64;
    const line = new SimulatedLine({
      seed: 6,
      faults: 0.01,
      deviceBufferBytes: bufferBytes,
      devicePayload: 576,
    });
    exchange(line, 300, 576);
    expect(line.mostUnderWay).toBeLessThanOrEqual(bufferBytes - 64);
  });

  it("never has more under way than granted while the device computes at odd times", () => {
    const compute = (random: () => number) => (chance(random, 0.1) ? random() % 900 : random() % 20);
    const line = new SimulatedLine({ seed: 7, faults: 0.02, compute });
    exchange(line, 400, 500);
    expect(line.mostUnderWay).toBeGreaterThan(line.window / 2);
    expect(line.mostUnderWay).toBeLessThanOrEqual(line.window);
  });

  it("never overflows the device's buffer while the device computes", () => {
    const compute = (random: () => number) => (chance(random, 0.1) ? random() % 900 : random() % 20);
    const line = new SimulatedLine({ seed: 15, faults: 0, compute });
    exchange(line, 400, 500);
    expect(line.mostUnderWay).toBeGreaterThan(line.window / 2);
    expect(line.device.dropped).toBe(0);
  });

  it("counts on past 255 messages under way in small frames", () => {
    const line = new SimulatedLine({ seed: 8, faults: 0, deviceBufferBytes: 65_536 });
    exchange(line, 1000, 4);
    expect(line.host.statistics.resent).toBe(0);
  });

  it("resends nothing and asks nothing on a good line", () => {
    const line = new SimulatedLine({ seed: 9, faults: 0 });
    exchange(line, 500, 600);
    expect(line.host.statistics).toEqual({ resent: 0, polls: 0, damaged: 0, duplicates: 0 });
    expect(line.device.statistics).toEqual({ resent: 0, polls: 0, damaged: 0, duplicates: 0 });
  });
});

describe("a board that computes", () => {
  it("may be silent for 20 seconds without being given up or sent anything twice", () => {
    const line = new SimulatedLine({ seed: 10, faults: 0, compute: () => 20_000 });
    exchange(line, 3, 400);
    expect(line.host.statistics.resent).toBe(0);
    expect(line.device.statistics.resent).toBe(0);
    expect(line.host.statistics.polls).toBeLessThan(40);
  });

  it("is given up after the configured silence, with a hint", () => {
    const line = new SimulatedLine({ seed: 11, faults: 0, compute: () => 1e9, silence: 5000 });
    line.run(() => line.host.isOpen);
    const opened = line.now;
    line.host.expecting = true;
    line.host.send(numbered(0, 10));
    line.host.send(numbered(1, 10));
    line.run(() => line.hostEvents.some(({ type }) => type === "failed"));
    const failed = line.hostEvents.find((event) => event.type === "failed");
    expect(failed?.type === "failed" && failed.error.code).toBe("WAMLET_LINE_TIMEOUT");
    expect(failed?.type === "failed" && failed.error.hint).toContain("--timeout");
    expect(line.now - opened).toBeGreaterThanOrEqual(5000);
    expect(line.now - opened).toBeLessThan(6000);
  });
});

describe("a board that restarts", () => {
  it("is noticed at once, and a new session opens by itself", () => {
    const line = new SimulatedLine({ seed: 12, faults: 0 });
    line.run(() => line.host.isOpen);
    for (let index = 0; index < 3; index++) line.host.send(numbered(index, 400));
    line.run(() => messages(line.deviceEvents).length === 1);
    line.restart();
    line.run(() => line.hostEvents.filter(({ type }) => type === "open").length === 2);
    expect(line.hostEvents.map(({ type }) => type)).toEqual(["open", "restarted", "open"]);
    expect(line.host.unsent).toBe(0);
    exchangeAfterRestart(line);
  });

  it("is noticed by its first answer where its READY was lost", () => {
    const line = new SimulatedLine({ seed: 13, faults: 0 });
    line.run(() => line.host.isOpen);
    line.restart();
    line.device.output(line.now); // READY, lost
    line.host.send(numbered(0, 40));
    line.run(() => line.hostEvents.some(({ type }) => type === "restarted"), 2000);
  });

  it("is survived again and again on a bad line", () => {
    const line = new SimulatedLine({ seed: 14, faults: 0.02 });
    for (let round = 0; round < 20; round++) {
      line.run(() => line.host.isOpen);
      const before = line.hostEvents.length;
      line.host.expecting = true;
      line.host.send(numbered(round, 100));
      for (let step = line.random() % 40; step > 0; step--) line.step();
      line.restart();
      line.run(() => line.hostEvents.slice(before).some(({ type }) => type === "restarted"));
      expect(line.hostEvents.some(({ type }) => type === "failed")).toBe(false);
    }
    line.run(() => line.host.isOpen);
    exchangeAfterRestart(line);
  });
});

/** The new session's messages arrive, and none of the old one's. */
function exchangeAfterRestart(line: SimulatedLine): void {
  line.deviceEvents.length = 0;
  const fresh = [numbered(900, 50), numbered(901, 300)];
  for (const message of fresh) line.host.send(message);
  line.run(() => messages(line.deviceEvents).length === fresh.length);
  expect(messages(line.deviceEvents)).toEqual(fresh);
}
