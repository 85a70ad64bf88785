/**
 * Makes boards/agent/vectors.json: frames, messages and a device's behaviour as bytes, for every implementation of
 * docs/PROTOCOL.md to be held against. After a change of the protocol:
 *
 *     WAMLET_WRITE_VECTORS=1 npx vitest run test/wire/vectors.test.ts && npx biome format --write boards/agent
 */
import { encodeFrame, type Frame, type FrameKind } from "../../host/wire/frame.js";
import { encodeReady } from "../../host/wire/greeting.js";
import { encodeMessage, type Message, message } from "../../host/wire/message.js";
import { device, frame, hex, type Json, syn, text, transcripts } from "./device_transcripts.js";

const counting = (length: number) => Uint8Array.from({ length }, (_, index) => index & 0xff);
const ready = encodeReady({
  version: 1,
  minVersion: 1,
  maxVersion: 1,
  maxPayload: 1024,
  bootId: 0xdeadbeef,
  nonce: 0x11223344,
});

const frames: Record<string, Frame> = {
  "SYN opens session 0x5a": frame("syn", { window: 65535, payload: syn }),
  "READY answers it": frame("ready", { payload: ready }),
  "DATA without payload": frame("data"),
  "DATA with zeros only": frame("data", { session: 1, window: 0, payload: new Uint8Array(16) }),
  "DATA that fills a COBS group of 254": frame("data", {
    session: 1,
    sequence: 2,
    ack: 3,
    window: 0x0404,
    payload: new Uint8Array(244).fill(0xaa),
  }),
  "DATA of 600 bytes": frame("data", { sequence: 255, ack: 254, payload: counting(600) }),
  "ACK of a message": frame("ack", { sequence: 7, ack: 200 }),
  "ACK that answers POLL 9": frame("ack", { sequence: 7, ack: 200, payload: Uint8Array.of(9) }),
  "RESEND from 12": frame("resend", { sequence: 1, ack: 12 }),
  "POLL 9": frame("poll", { sequence: 7, ack: 200, payload: Uint8Array.of(9) }),
  "LOG, warning": frame("log", { payload: Uint8Array.of(2, ...text("store: slot 1 is damaged")) }),
};

const sha256 = counting(32);

const messages: Record<string, Message> = {
  hello: message("hello", { request: 1, client: "wamlet 0.1.0" }),
  "hello with defaults": message("hello", {}),
  "deploy-begin": message("deploy-begin", { request: 2, manifest: counting(140), name: "digits" }),
  "deploy-chunk": message("deploy-chunk", { offset: 66_000, data: counting(200) }),
  "deploy-commit": message("deploy-commit", { request: 300 }),
  list: message("list", { request: 4, first: 2 }),
  activate: message("activate", { request: 5, name: "digits" }),
  remove: message("remove", { request: 6, name: "digits" }),
  "load the active module": message("load", { request: 7 }),
  unload: message("unload", { request: 8, handle: 1 }),
  "input, whole": message("input", { handle: 1, frame: 513, data: counting(16) }),
  "input, a chunk of the second tensor": message("input", {
    handle: 2,
    frame: 65_535,
    tensor: 1,
    offset: 1000,
    more: true,
    layers: true,
    data: counting(3),
  }),
  counters: message("counters", { request: 9, handle: 1 }),
  "log-level": message("log-level", { request: 10, level: 3 }),
  "reset of a module's state": message("reset", { request: 11, handle: 1 }),
  "reset of the board": message("reset", { request: 12, target: "board" }),
  done: message("done", { request: 12 }),
  info: message("info", {
    request: 1,
    protocolVersion: 1,
    board: "esp32",
    chip: "ESP32",
    agentVersion: "0.1.0",
    clockHertz: 240_000_000,
    countUnit: "cycles",
    countSource: "CCOUNT",
    memoryTotalBytes: 180_000,
    memoryUsedBytes: 1024,
    memoryHighWaterBytes: 90_000,
    memoryLargestBlockBytes: 110_000,
    receiveBufferBytes: 4032,
    maxPayload: 1024,
    runtimeName: "WAMR fast interpreter",
    runtimeVersion: "2.4.3",
    runtimePageBytes: 4096,
    features: 31,
    storeSlots: 4,
    storeSlotBytes: 262_144,
    storeFreeSlots: 3,
    serialNumber: "24:6f:28:aa:bb:cc",
    bootId: 0xdeadbeef,
    energySensor: "INA226, shunt 100 mOhm",
  }),
  "deploy-ready": message("deploy-ready", { request: 2, offset: 4096, slot: 1 }),
  deployed: message("deployed", { request: 300, sha256, slot: 1 }),
  modules: message("modules", {
    request: 4,
    total: 2,
    modules: [
      {
        name: "digits",
        version: "1",
        payloadBytes: 9000,
        sha256,
        slot: 0,
        active: true,
        state: "complete",
      },
      { name: "motion", version: "", payloadBytes: 700, sha256, slot: 3, active: false, state: "partial" },
    ],
  }),
  loaded: message("loaded", {
    request: 7,
    handle: 1,
    name: "digits",
    version: "1",
    sha256,
    inputs: [{ offset: 256, bytes: 64 }],
    outputs: [
      { offset: 0, bytes: 10 },
      { offset: 16, bytes: 4 },
    ],
    layers: 6,
    features: 11,
    linearMemoryBytes: 8192,
    runtimeBytes: 12_000,
    memoryTotalBytes: 180_000,
    memoryUsedBytes: 21_192,
    memoryLargestBlockBytes: 150_000,
  }),
  result: message("result", {
    handle: 1,
    frame: 513,
    data: counting(10),
    count: 1_234_567,
    microseconds: 5144,
    nanojoules: 1_018_512,
    energySource: "modelled",
    memoryBytes: 21_192,
    layers: [0, 127, 128, 1_000_000, 2 ** 40],
  }),
  "result of a board that knows no energy": message("result", {
    handle: 1,
    frame: 515,
    data: counting(2),
    count: 99,
    microseconds: 7,
    energySource: "none",
    memoryBytes: 21_192,
  }),
  "result, first of two": message("result", {
    handle: 1,
    frame: 514,
    tensor: 1,
    offset: 512,
    more: true,
    data: counting(4),
  }),
  totals: message("totals", {
    request: 9,
    inferences: 100,
    count: 2 ** 40,
    microseconds: 514_400,
    nanojoules: 2 ** 33,
  }),
  "error of a request": message("error", {
    request: 7,
    code: 22,
    text: "linear memory",
    numbers: [131_072, 110_000],
  }),
  "error of an input": message("error", {
    handle: 1,
    frame: 513,
    input: true,
    code: 54,
    text: "unreachable",
  }),
};

const invalidMessages: Record<string, string> = {
  "no bytes at all": "",
  "a field without length": "0102",
  "a field longer than the message": "010209aa",
  "a length that never ends": "0102ffffffffff01",
  "an integer of nine bytes": "0101090102030405060708ff",
  "an integer above 2^53": "010108ffffffffffffffff",
  "text that is no UTF-8": "010202c328",
  "a choice that names nothing": "0d02017f",
  "a packed integer that is cut off": "4a0d0180",
};

/** What a device of an earlier version skips, and what it answers with an error. */
const laterMessages: Record<string, string> = {
  "HELLO with a field 99 that nobody knows": `${hex(encodeMessage(message("hello", { request: 1 })))}6302abcd`,
  "a message type 0x3e, request 77": "3e01014d",
};

/** Bytes that are no frame, delimiters left out. */
function damagedFrames(): Record<string, string> {
  const whole = encodeFrame(frame("data", { payload: counting(20) })).subarray(0, -1);
  const flipped = whole.slice();
  flipped[12] = (flipped[12] ?? 0) ^ 0x10;
  return {
    "one bit is wrong": hex(flipped),
    "the end is missing": hex(whole.subarray(0, -3)),
    "a byte is missing": hex(Uint8Array.from([...whole.subarray(0, 10), ...whole.subarray(11)])),
    "text, no frame": hex(text("rst:0x1 (POWERON_RESET)")),
    "too short for header and CRC": "0401020304",
    "a kind that nobody knows": hex(
      encodeFrame({ ...frame("data"), kind: "later" as FrameKind }).subarray(0, -1),
    ),
  };
}

/** The file's content. */
export function makeVectors(): Json {
  return {
    about:
      "Generated by test/wire/make_vectors.ts; docs/PROTOCOL.md says what it means. Bytes are hexadecimal.",
    protocolVersion: 1,
    frames: Object.entries(frames).map(([name, { payload, ...header }]) => ({
      name,
      ...header,
      payload: hex(payload),
      bytes: hex(encodeFrame({ ...header, payload })),
    })),
    damagedFrames: named(damagedFrames()),
    messages: Object.entries(messages).map(([name, value]) => ({
      name,
      message: plain(value),
      bytes: hex(encodeMessage(value)),
    })),
    invalidMessages: named(invalidMessages),
    laterMessages: named(laterMessages),
    deviceTranscripts: {
      bufferBytes: device.bufferBytes,
      maxPayload: device.maxPayload,
      bootId: device.bootId,
      transcripts: Object.entries(transcripts()).map(([name, steps]) => ({ name, steps })),
    },
  };
}

function named(entries: Record<string, string>): Json {
  return Object.entries(entries).map(([name, bytes]) => ({ name, bytes }));
}

/** A message as JSON: bytes as hexadecimal. */
export function plain(value: unknown): Json {
  if (value instanceof Uint8Array) return hex(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
  }
  return value as Json;
}
