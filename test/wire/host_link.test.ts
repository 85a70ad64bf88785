import { describe, expect, it } from "vitest";
import { encodeFrame, type Frame } from "../../host/wire/frame.js";
import { encodeReady, type Ready } from "../../host/wire/greeting.js";
import { Link, type LinkEvent } from "../../host/wire/link.js";
import { numbered, SimulatedLine } from "./simulated_line.js";

/** A host's link whose session is 8 and whose nonce is 8. */
function hostLink(): Link {
  const link = new Link({
    role: "host",
    bufferBytes: 4096,
    maxPayload: 4096,
    baudRate: null,
    silence: 60_000,
    patience: 5000,
    random: () => 7,
  });
  link.start(0);
  return link;
}

function readyFrame(fields: Partial<Ready> = {}, header: Partial<Frame> = {}): Uint8Array {
  const ready = {
    version: 1,
    minVersion: 1,
    maxVersion: 1,
    maxPayload: 1024,
    bootId: 1,
    nonce: 8,
    ...fields,
  };
  return encodeFrame({
    kind: "ready",
    session: 8,
    sequence: 0,
    ack: 0,
    window: 2000,
    payload: encodeReady(ready),
    ...header,
  });
}

function frame(kind: Frame["kind"], fields: Partial<Frame> = {}): Uint8Array {
  const payload = new Uint8Array(0);
  return encodeFrame({ kind, session: 8, sequence: 0, ack: 0, window: 2000, payload, ...fields });
}

function events(link: Link): LinkEvent[] {
  const found: LinkEvent[] = [];
  for (let event = link.next(); event !== null; event = link.next()) found.push(event);
  return found;
}

function outputs(link: Link, now: number): number {
  let count = 0;
  while (link.output(now) !== null) count += 1;
  return count;
}

function failure(link: Link): string | undefined {
  const failed = events(link).find((event) => event.type === "failed");
  return failed?.type === "failed" ? failed.error.code : undefined;
}

describe("a host that opens a session", () => {
  it("repeats SYN until somebody answers, and gives up in time with a hint", () => {
    const link = hostLink();
    let sent = 0;
    for (let now = 0; now < 5000; now += 100) {
      link.tick(now);
      sent += outputs(link, now);
      expect(events(link)).toEqual([]);
    }
    expect(sent).toBeGreaterThan(10);
    expect(sent).toBeLessThan(20);
    link.tick(5000);
    const [event] = events(link);
    expect(event?.type === "failed" && event.error.code).toBe("WAMLET_LINE_TIMEOUT");
    expect(event?.type === "failed" && event.error.hint).toContain("--baud");
    expect(link.deadline).toBeNull();
  });

  it("greets a board that has just started at once", () => {
    const link = hostLink();
    expect(outputs(link, 0)).toBe(1);
    link.receive(readyFrame({ version: 0, nonce: 0 }, { session: 0 }), 10);
    expect(events(link)).toEqual([]);
    expect(outputs(link, 10)).toBe(1);
  });

  it("says which versions the board speaks where none is common", () => {
    const link = hostLink();
    link.receive(readyFrame({ version: 0, minVersion: 2, maxVersion: 3 }), 10);
    const [event] = events(link);
    expect(event?.type === "failed" && event.error.code).toBe("WAMLET_PROTOCOL_VERSION");
    expect(event?.type === "failed" && event.error.message).toContain("2 to 3");
  });

  it("refuses a board that could not take a manifest", () => {
    const link = hostLink();
    link.receive(readyFrame({ maxPayload: 100 }), 10);
    expect(failure(link)).toBe("WAMLET_INVALID_PACKET");
  });

  it("is not misled by a READY for another host's SYN", () => {
    const link = hostLink();
    link.receive(readyFrame({ nonce: 9 }), 10);
    expect(events(link)).toEqual([]);
    expect(link.isOpen).toBe(false);
  });
});

describe("an open host", () => {
  function openLink(): Link {
    const link = hostLink();
    outputs(link, 0);
    link.receive(readyFrame(), 10);
    expect(events(link)).toEqual([{ type: "open", session: 8, bootId: 1, maxPayload: 1024 }]);
    return link;
  }

  it("says so when another program takes the board", () => {
    const link = openLink();
    link.receive(readyFrame({ version: 0, nonce: 0 }, { session: 99 }), 20);
    expect(failure(link)).toBe("WAMLET_LINE_CLOSED");
  });

  it("sends nothing into a closed window, and asks until it opens", () => {
    const link = openLink();
    link.receive(frame("ack", { window: 0 }), 20);
    expect(events(link)).toEqual([]);
    link.send(numbered(1, 50));
    let asked = 0;
    for (let now = 20; now < 3000; now += 20) {
      link.tick(now);
      asked += outputs(link, now);
    }
    expect(asked).toBe(link.statistics.polls);
    expect(asked).toBeGreaterThan(1);
    expect(link.unsent).toBe(1);
    link.receive(frame("ack", { window: 2000 }), 3000);
    events(link);
    expect(outputs(link, 3000)).toBe(1);
    expect(link.unsent).toBe(0);
  });

  it("gives up on a board that answers for ever and takes nothing", () => {
    const link = openLink();
    link.send(numbered(1, 50));
    let now = 10;
    for (let token = 1; token <= 60; token++) {
      for (let before = link.statistics.polls; link.statistics.polls === before && now < 1e7; now += 10) {
        link.tick(now);
        outputs(link, now);
        if (!link.isOpen) break;
      }
      link.receive(frame("ack", { payload: Uint8Array.of(token) }), now);
      const code = failure(link);
      if (code === undefined) continue;
      expect(code).toBe("WAMLET_LINE_TIMEOUT");
      return;
    }
    expect.unreachable("it never gave up");
  });

  it("hands out text that is no frame: at a delimiter, or after a pause", () => {
    const link = openLink();
    const rom = new TextEncoder().encode("rst:0x1 (POWERON_RESET),boot:0x13\r\n");
    link.receive(Uint8Array.from([...rom, 0]), 20);
    expect(events(link)).toEqual([{ type: "console", text: "rst:0x1 (POWERON_RESET),boot:0x13\r\n" }]);
    link.receive(new TextEncoder().encode("Guru Meditation Error"), 30);
    expect(events(link)).toEqual([]);
    expect(link.deadline).toBe(130);
    link.tick(130);
    expect(events(link)).toEqual([{ type: "console", text: "Guru Meditation Error" }]);
    expect(link.deadline).toBeNull();
  });

  it("hands out the board's log", () => {
    const link = openLink();
    link.receive(frame("log", { payload: Uint8Array.from([2, ...Buffer.from("low voltage")]) }), 20);
    expect(events(link)).toEqual([{ type: "log", level: 2, text: "low voltage" }]);
  });

  it("holds a bare acknowledgement back, and lets a message carry it", () => {
    const link = openLink();
    link.receive(frame("data", { payload: numbered(0, 40) }), 20);
    expect(events(link).length).toBe(1);
    expect(outputs(link, 20)).toBe(0);
    expect(link.deadline).toBe(40);
    expect(outputs(link, 40)).toBe(1);
    link.receive(frame("data", { sequence: 1, payload: numbered(1, 40) }), 50);
    expect(events(link).length).toBe(1);
    link.send(numbered(2, 40));
    expect(outputs(link, 50)).toBe(1);
    expect(outputs(link, 90)).toBe(0);
  });

  it("does not send what is too large for the board", () => {
    const link = openLink();
    expect(() => link.send(new Uint8Array(1025))).toThrow(RangeError);
  });
});

describe("a host without anything to wait for", () => {
  it("is silent and has no deadline", () => {
    const line = new SimulatedLine({ seed: 31, faults: 0 });
    line.run(() => line.host.isOpen);
    for (let step = 0; step < 1000; step++) line.step();
    expect(line.host.deadline).toBeNull();
    expect(line.host.statistics.polls).toBe(0);
  });
});
