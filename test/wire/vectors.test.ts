import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame, type FrameKind } from "../../host/wire/frame.js";
import { Link } from "../../host/wire/link.js";
import { decodeMessage, encodeMessage, type Message } from "../../host/wire/message.js";
import { eventJson, hex, type Step } from "./device_transcripts.js";
import { makeVectors, plain } from "./make_vectors.js";

interface Named {
  readonly name: string;
  readonly bytes: string;
}

interface Vectors {
  readonly frames: readonly (Named & {
    readonly kind: FrameKind;
    readonly session: number;
    readonly sequence: number;
    readonly ack: number;
    readonly window: number;
    readonly payload: string;
  })[];
  readonly damagedFrames: readonly Named[];
  readonly messages: readonly (Named & { readonly message: { readonly type: string } })[];
  readonly invalidMessages: readonly Named[];
  readonly laterMessages: readonly Named[];
  readonly deviceTranscripts: {
    readonly bufferBytes: number;
    readonly maxPayload: number;
    readonly bootId: number;
    readonly transcripts: readonly { readonly name: string; readonly steps: readonly Step[] }[];
  };
}

const file = new URL("../../boards/agent/vectors.json", import.meta.url);
if (process.env.WAMLET_WRITE_VECTORS) writeFileSync(file, `${JSON.stringify(makeVectors(), null, 2)}\n`);
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vectors;
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));

describe("boards/agent/vectors.json", () => {
  it("is what test/wire/make_vectors.ts makes", () => {
    expect(vectors).toEqual(makeVectors());
  });

  for (const { name, bytes, payload, ...header } of vectors.frames) {
    it(`frame: ${name}`, () => {
      const frame = { ...header, payload: bytesOf(payload) };
      expect(hex(encodeFrame(frame))).toBe(bytes);
      expect(decodeFrame(bytesOf(bytes).subarray(0, -1))).toEqual(frame);
    });
  }

  for (const { name, bytes } of vectors.damagedFrames) {
    it(`no frame: ${name}`, () => {
      expect(() => decodeFrame(bytesOf(bytes))).toThrowError(
        expect.objectContaining({ code: "WAMLET_INVALID_PACKET" }),
      );
    });
  }

  for (const { name, bytes, message } of vectors.messages) {
    it(`message: ${name}`, () => {
      const decoded = decodeMessage(bytesOf(bytes));
      expect(plain(decoded)).toEqual(message);
      expect(hex(encodeMessage(decoded as Message))).toBe(bytes);
    });
  }

  for (const { name, bytes } of vectors.invalidMessages) {
    it(`no message: ${name}`, () => {
      expect(() => decodeMessage(bytesOf(bytes))).toThrowError(
        expect.objectContaining({ code: "WAMLET_INVALID_PACKET" }),
      );
    });
  }

  it("has messages of a later version, which are skipped or answered", () => {
    const [hello, later] = vectors.laterMessages.map(({ bytes }) => decodeMessage(bytesOf(bytes)));
    expect(hello).toEqual({ type: "hello", request: 1, client: "" });
    expect(later).toEqual({ type: "unknown", number: 0x3e, request: 77 });
  });

  const { transcripts, ...device } = vectors.deviceTranscripts;
  for (const { name, steps } of transcripts) {
    it(`device: ${name}`, () => {
      const link = new Link({ role: "device", ...device });
      for (const [index, step] of steps.entries()) {
        if (step.do === "start") link.start(0);
        else if (step.do === "receive") link.receive(bytesOf(step.bytes), 0);
        else if (step.do === "send") link.send(bytesOf(step.payload));
        else if (step.do === "log") link.log(step.level, step.text);
        else if (step.do === "next") expect(eventJson(link.next()), `step ${index}`).toEqual(step.event);
        else {
          const bytes = link.output(0);
          expect(bytes === null ? null : hex(bytes), `step ${index}`).toBe(step.bytes);
        }
      }
    });
  }
});
