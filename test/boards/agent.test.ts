/** The agent's C against the TypeScript reference and boards/agent/vectors.json, under the sanitizers. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import { encodeManifest } from "../../host/module/manifest_codec.js";
import { packagePath } from "../../host/package_root.js";
import type { RecordType } from "../../host/wire/field_schema.js";
import { decodeFrame, encodeFrame, frameKinds } from "../../host/wire/frame.js";
import { type MessageType, messageTypes } from "../../host/wire/message.js";
import { testModule } from "../emulator/module_fixtures.js";
import { deployable } from "../emulator/store_fixtures.js";
import type { Step } from "../wire/device_transcripts.js";
import { ask, buildHarness, compiler, compilerMissing } from "./harness.js";

interface Named {
  readonly name: string;
  readonly bytes: string;
}

interface Vectors {
  readonly frames: readonly (Named & {
    readonly kind: keyof typeof frameKinds;
    readonly session: number;
    readonly sequence: number;
    readonly ack: number;
    readonly window: number;
    readonly payload: string;
  })[];
  readonly damagedFrames: readonly Named[];
  readonly messages: readonly (Named & { readonly message: Readonly<Record<string, unknown>> })[];
  readonly invalidMessages: readonly Named[];
  readonly laterMessages: readonly Named[];
  readonly deviceTranscripts: {
    readonly bufferBytes: number;
    readonly maxPayload: number;
    readonly bootId: number;
    readonly transcripts: readonly { readonly name: string; readonly steps: readonly Step[] }[];
  };
}

const vectors = JSON.parse(readFileSync(packagePath("boards", "agent", "vectors.json"), "utf8")) as Vectors;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe.skipIf(compiler === null)(`the agent in C (else ${compilerMissing})`, () => {
  let harness: ReturnType<typeof buildHarness>;
  beforeAll(() => {
    harness = buildHarness();
  });
  afterAll(() => harness.remove());
  const answer = (...commands: string[]) => ask(harness.path, commands);

  for (const { name, bytes, payload, kind, session, sequence, ack, window } of vectors.frames) {
    it(`frame: ${name}`, () => {
      const fields = `${frameKinds[kind]} ${session} ${sequence} ${ack} ${window} ${payload}`;
      expect(answer(`encode ${fields}`, `decode ${bytes.slice(0, -2)}`)).toEqual([bytes, fields]);
    });
  }

  it("takes nothing damaged for a frame", () => {
    const damaged = vectors.damagedFrames.map(({ bytes }) => `decode ${bytes}`);
    expect(answer(...damaged)).toEqual(damaged.map(() => "damaged"));
  });

  it("reads a frame with or without the group that a full one may be followed by", () => {
    const payload = new Uint8Array(244).fill(7);
    const frame = { kind: "data", session: 1, sequence: 2, ack: 3, window: 0x0404, payload } as const;
    for (let first = 1; first < 256; first++) {
      const bytes = encodeFrame({ ...frame, payload: payload.with(0, first) });
      // 254 bytes without a zero, the CRC included: one full group, and a last one that says nothing.
      if (bytes[0] !== 0xff) continue;
      expect(bytes.at(-2)).toBe(1);
      const [long, short] = answer(
        `decode ${hex(bytes.subarray(0, -1))}`,
        `decode ${hex(bytes.subarray(0, -2))}`,
      );
      expect(long).toMatch(/^3 1 2 3/);
      expect(short).toBe(long);
      return;
    }
    expect.fail("no frame ends with a full group");
  });

  for (const { name, bytes, message } of vectors.messages) {
    const { number, fields } = messageTypes[message.type as MessageType];
    it(`message: ${name}`, () => {
      if (number < 0x40) expect(answer(`message ${bytes}`)).toEqual([asRead(number, fields, message)]);
      expect(answer(`fields ${asWritten(fields, message)}`)).toEqual([bytes.slice(2)]);
    });
  }

  it("answers what it cannot read as malformed", () => {
    // Those of the device's own types never reach it as such: they are no messages for a device.
    const own = vectors.invalidMessages.filter(({ bytes }) => Number.parseInt(bytes.slice(0, 2), 16) < 0x40);
    expect(own.length).toBeGreaterThan(5);
    expect(answer(...own.map(({ bytes }) => `message ${bytes}`))).toEqual(own.map(() => "malformed"));
  });

  it("reads a later version's message by skipping, or names its type and request", () => {
    const later = vectors.laterMessages.map(({ bytes }) => `message ${bytes}`);
    expect(answer(...later)).toEqual(["1 1=1", "unknown 62 77"]);
  });

  const { transcripts, bufferBytes, maxPayload, bootId } = vectors.deviceTranscripts;
  for (const { name, steps } of transcripts) {
    it(`device: ${name}`, () => {
      const [commands, expected] = [steps.map(command), steps.map(outcome)];
      expect(answer(...commands)).toEqual(expected);
    });
  }

  function command(step: Step): string {
    if (step.do === "start") return `link.start ${bufferBytes} ${maxPayload} ${bootId}`;
    if (step.do === "receive") return `link.receive ${step.bytes}`;
    if (step.do === "send") return `link.send ${step.payload}`;
    if (step.do === "log") return `link.log ${step.level} ${step.text}`;
    return `link.${step.do}`;
  }

  function outcome(step: Step): string {
    if (step.do === "output") return step.bytes ?? "none";
    if (step.do !== "next") return "ok";
    const event = step.event as Record<string, unknown> | null;
    if (event === null) return "none";
    if (event.type === "message") return `message ${event.payload}`;
    return `open ${event.session} ${event.maxPayload}`;
  }

  it("obeys acknowledgements and a new host that wait behind a message it has no room to answer", () => {
    const frame = (
      kind: keyof typeof frameKinds,
      session: number,
      sequence: number,
      ack: number,
      text = "",
    ) =>
      hex(encodeFrame({ kind, session, sequence, ack, window: 0xffff, payload: Buffer.from(text, "hex") }));
    const syn = (session: number, nonce: string) => frame("syn", session, 0, 0, `01010010${nonce}`);
    const large = "11".repeat(1000);
    const answers = answer(
      `link.start ${bufferBytes} ${maxPayload} 1`,
      `link.receive ${syn(9, "01020304")}`,
      "link.next",
      "link.output",
      `link.send ${large}`,
      `link.send ${large}`,
      `link.send ${large}`,
      "link.output",
      "link.output",
      `link.receive ${frame("data", 9, 0, 0, "aa")}${frame("ack", 9, 1, 1)}`,
      "link.ahead",
      `link.send ${large}`,
      "link.next",
      `link.receive ${frame("data", 9, 1, 1, "bb")}${syn(10, "01020305")}${syn(10, "01020305")}`,
      "link.ahead",
      "link.next",
      "link.ahead",
    );
    const short = answers.map((line) => (line.length > 40 ? "frame" : line));
    expect(short.slice(2)).toEqual(
      [
        "open 9 4096",
        "frame",
        "ok",
        "ok",
        "no room",
        "frame",
        "frame",
        "ok",
        "ok",
        "ok",
        "message aa",
      ].concat(["ok", "opened", "open 10 4096", "ok"]),
    );
  });

  it("takes more acknowledgements than its buffer has room for while a long answer goes out", () => {
    const frame = (
      kind: keyof typeof frameKinds,
      sequence: number,
      ack: number,
      payload = new Uint8Array(0),
    ) => hex(encodeFrame({ kind, session: 9, sequence, ack, window: 0xffff, payload }));
    const message = new Uint8Array(440);
    const commands = [
      `link.start ${bufferBytes} ${maxPayload} 1`,
      `link.receive ${hex(encodeFrame({ kind: "syn", session: 9, sequence: 0, ack: 0, window: 0xffff, payload: Buffer.from("0101001001020304", "hex") }))}`,
      "link.next",
      // Two messages fill the window, so that only the reserve is left for what is not counted.
      `link.receive ${frame("data", 0, 0, message)}${frame("data", 1, 0, message)}`,
    ];
    const rounds = 40;
    for (let round = 1; round <= rounds; round++) {
      commands.push("link.send 0102", "link.output", "link.output", `link.receive ${frame("ack", 2, round)}`);
      commands.push("link.ahead");
    }
    commands.push(`link.receive ${frame("poll", 2, rounds, Uint8Array.of(7))}`, "link.ahead", "link.output");
    const answers = answer(...commands, "link.output", "link.next");
    expect(answers.filter((line) => line === "no room")).toEqual([]);
    const [resend, poll] = answers.slice(-3, -1).map(decoded);
    // The POLL is answered at the price of what waited before it: the host is asked to send that again.
    expect([resend?.kind, resend?.ack]).toEqual(["resend", 0]);
    expect([poll?.kind, poll?.ack, poll?.payload[0]]).toEqual(["ack", 0, 7]);
    expect(answers.at(-1)).toBe("none");
  });

  it("hears the host's question behind a buffer full of doubled and damaged frames", () => {
    const frame = (kind: keyof typeof frameKinds, sequence: number, payload = new Uint8Array(0)) =>
      hex(encodeFrame({ kind, session: 9, sequence, ack: 0, window: 0xffff, payload }));
    const message = frame("data", 0, new Uint8Array(400));
    const damaged = `${message.slice(0, 100)}${message[100] === "1" ? "2" : "1"}${message.slice(101)}`;
    const endless = "17".repeat(bufferBytes);
    const commands = [
      `link.start ${bufferBytes} ${maxPayload} 1`,
      `link.receive ${hex(encodeFrame({ kind: "syn", session: 9, sequence: 0, ack: 0, window: 0xffff, payload: Buffer.from("0101001001020304", "hex") }))}`,
      "link.next",
      "link.output",
      `link.receive ${message}`,
      ...[message, damaged, message, endless, "00", message, endless, endless, "00"].flatMap((bytes) => [
        `link.receive ${bytes}`,
        "link.ahead",
      ]),
      `link.receive ${frame("data", 1, Uint8Array.of(5))}`,
      "link.ahead",
    ];
    const heard = answer(...commands, "link.next", "link.next", "link.next").slice(-3);
    expect(heard).toEqual([`message ${"00".repeat(400)}`, "message 05", "none"]);
    const polled = answer(
      ...commands,
      `link.receive ${frame("poll", 2, Uint8Array.of(7))}`,
      "link.ahead",
      "link.output",
      "link.output",
    ).slice(-2);
    const [resend, ack] = polled.map(decoded);
    expect([resend?.kind, resend?.ack]).toEqual(["resend", 0]);
    expect([ack?.kind, ack?.payload[0]]).toEqual(["ack", 7]);
  });

  it("lives through any bytes on the line", () => {
    const random = new SeededRandom(4);
    const commands = [`link.start ${bufferBytes} ${maxPayload} ${bootId}`];
    const transcriptBytes = transcripts.flatMap(({ steps }) =>
      steps.flatMap((step) => (step.do === "receive" ? [step.bytes] : [])),
    );
    for (let round = 0; round < 4000; round++) {
      const known = Buffer.from(transcriptBytes[random.below(transcriptBytes.length)] ?? "", "hex");
      for (let hits = random.below(3); hits > 0; hits--)
        known[random.below(known.length)] = random.below(256);
      const noise = Uint8Array.from({ length: random.below(40) }, () => random.below(256) * random.below(2));
      commands.push(`link.receive ${hex(random.below(3) > 0 ? known : noise)}`);
      commands.push(
        ["link.next", "link.next", "link.output", "link.ahead", "link.send 0102"][random.below(5)] ?? "",
      );
    }
    const answers = answer(...commands);
    expect(answers.filter((line) => line.startsWith("message")).length).toBeGreaterThan(10);
  });

  it("reads manifests as the reference does, and refuses what cannot be", () => {
    const { manifestBytes, manifest } = deployable("motion_v2", 3, 12_345);
    expect(answer(`manifest ${hex(manifestBytes)}`)).toEqual([
      `1 motion_v2 3 12345 ${hex(manifest.payloadSha256)} 4096 0 0 1000 0 in0+4 out4+4`,
    ]);
    const wide = {
      ...manifest,
      opcodeBudget: 2 ** 53 - 1,
      features: 31,
      layers: 65535,
      runtimeBytes: 2 ** 32 - 1,
    };
    expect(answer(`manifest ${hex(encodeManifest(wide))}`)).toEqual([
      `1 motion_v2 3 12345 ${hex(manifest.payloadSha256)} 4096 4294967295 31 9007199254740991 65535 in0+4 out4+4`,
    ]);
    const fields = hex(manifestBytes);
    const refused = [
      fields.slice(0, -2),
      `${fields}010101`,
      fields.replace("010101", "010102"),
      fields.replace(Buffer.from("motion_v2").toString("hex"), Buffer.from("Motion_v2").toString("hex")),
      `${fields}0908000000000110000000`,
      `${fields}09080000000000000000`,
      `${fields}${"63027777".repeat(120)}`,
    ];
    expect(answer(...refused.map((bytes) => `manifest ${bytes}`)).map((line) => line.split(" ")[1])).toEqual([
      "16",
      "16",
      "17",
      "16",
      "16",
      "16",
      "16",
    ]);
    expect(answer(`manifest ${fields}63027777`)[0]).toMatch(/^1 motion_v2/);
  });

  it("refuses imports by name, and sections out of their order", () => {
    const infer = '(func (export "infer") (result i32) (i32.const 0))';
    const { payload } = testModule("plain", infer);
    const section = (id: number, bytes: string) => `${hex(Uint8Array.of(id, bytes.length / 2))}${bytes}`;
    const name = (text: string) => `${hex(Uint8Array.of(text.length))}${Buffer.from(text).toString("hex")}`;
    const start = hex(payload.subarray(0, 8));
    const layer = section(2, `01${name("wamlet")}${name("layer")}0000`);
    const answers = answer(
      `payload 0 ${hex(payload)}`,
      `payload 1 ${start}${layer}`,
      `payload 0 ${start}${layer}`,
      `payload 1 ${start}${section(2, `01${name("env")}${name("abort")}0000`)}`,
      `payload 1 ${start}${section(2, `01${name("wamlet")}${name("layer")}037f00`)}`,
      `payload 0 ${start}${section(8, "00")}`,
      `payload 0 ${start}${section(1, "00")}${section(1, "00")}`,
      `payload 0 ${start}0180`,
      `payload 0 ${hex(payload.subarray(0, 7))}`,
    );
    expect(answers[0]).toMatch(/^ok 1 3 5 6 7 10/);
    expect(answers[1]).toBe("ok 2");
    expect(answers[2]).toContain("wamlet.layer");
    expect(answers[3]).toContain("env.abort");
    for (const line of answers.slice(2)) expect(line).toMatch(/^refused 48/);
  });

  it("lives through any bytes as manifest, message and payload", () => {
    const random = new SeededRandom(11);
    const { manifestBytes } = deployable("a", 1, 3000);
    const { payload } = testModule("b", '(func (export "infer") (result i32) (i32.const 0))');
    const messages = vectors.messages.map(({ bytes }) => bytes);
    const commands = Array.from({ length: 6000 }, (_, round) => {
      const kind = (["manifest ", "message ", "payload 1 "] as const)[round % 3] ?? "manifest ";
      const known = [hex(manifestBytes), messages[random.below(messages.length)] ?? "", hex(payload)][
        round % 3
      ];
      const bytes = Buffer.from(known ?? "", "hex");
      for (let hits = 1 + random.below(4); hits > 0 && bytes.length > 0; hits--)
        bytes[random.below(bytes.length)] = random.below(256);
      return (
        kind + hex(bytes.subarray(0, random.below(4) > 0 ? bytes.length : random.below(bytes.length + 1)))
      );
    });
    expect(answer(...commands)).toHaveLength(commands.length);
  });

  it("keeps every block of the pool apart, takes for each just what it needs, and gives all of it back", () => {
    const rounds = [1, 2, 3, 4, 5].map((seed) => `pool ${seed} 20000`);
    expect(answer(...rounds)).toEqual(rounds.map(() => "used 0, largest 32760 of 32768"));
  });
});

/** A host's message as the harness prints what it read: tag and value of what is not at its default. */
function asRead(number: number, fields: RecordType, message: Readonly<Record<string, unknown>>): string {
  const read = Object.entries(fields)
    .map(([name, field]) => ({ field, value: message[name] }))
    .sort((one, other) => one.field.tag - other.field.tag)
    .flatMap(({ field, value }) => {
      if (field.kind === "bytes") return value === "" ? [] : [`${field.tag}=${value}`];
      if (field.kind === "text")
        return value === "" ? [] : [`${field.tag}=${Buffer.from(String(value)).toString("hex")}`];
      const integer = field.kind.startsWith("choice") ? (value === "board" ? 1 : 0) : Number(value);
      return integer === 0 ? [] : [`${field.tag}=${integer}`];
    });
  return [number, ...read].join(" ");
}

/** Commands for the agent's writer that make the message's fields. */
function asWritten(fields: RecordType, message: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .map(([name, field]) => {
      const value = message[name];
      const { tag, kind } = field;
      if (kind === "bytes") return `${tag} b${value}`;
      if (kind === "text") return `${tag} b${Buffer.from(String(value)).toString("hex")}`;
      if (kind === "integers") return `[${tag} ${(value as number[]).map((one) => `p${one}`).join(" ")} ]`;
      if (kind === "records") {
        const records = value as Readonly<Record<string, unknown>>[];
        return records.map((record) => `[${tag} ${asWritten(field.record ?? {}, record)} ]`).join(" ");
      }
      if (kind.startsWith("choice")) {
        const names = kind.slice("choice of ".length).split(", ");
        return `${tag} i${names.findIndex((entry) => entry.split(" ")[1] === value)}`;
      }
      return `${tag} i${Number(value)}`;
    })
    .join(" ");
}

/** A frame as it stands between its delimiters. */
function decoded(line: string) {
  const bytes = Buffer.from(line, "hex");
  return decodeFrame(bytes.subarray(bytes[0] === 0 ? 1 : 0, -1));
}
