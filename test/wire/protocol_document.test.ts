import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { encodeFrame } from "../../host/wire/frame.js";
import { encodeMessage, message } from "../../host/wire/message.js";
import { hex } from "./device_transcripts.js";
import { withTables } from "./protocol_tables.js";

const file = new URL("../../docs/PROTOCOL.md", import.meta.url);
if (process.env.WAMLET_WRITE_VECTORS) writeFileSync(file, withTables(readFileSync(file, "utf8")));
/** Without the padding that the formatter gives to tables. */
const cells = (text: string) =>
  text.split("\n").map((line) =>
    line
      .replace(/ +/g, " ")
      .replace(/-{3,}/g, "---")
      .replace(/\| ---/g, "|---")
      .replace(/--- \|/g, "---|"),
  );
const document = readFileSync(file, "utf8");

it("docs/PROTOCOL.md names every message, field and error code as the code has them", () => {
  expect(cells(document)).toEqual(cells(withTables(document)));
});

it("docs/PROTOCOL.md's worked example is what the encoder makes", () => {
  const payload = encodeMessage(
    message("input", { handle: 1, frame: 7, data: Uint8Array.of(1, 0, 255, 128) }),
  );
  const header = { kind: "data", session: 0x5a, sequence: 3, ack: 2, window: 65_535 } as const;
  const [, example = ""] = /on the line\n([^`]*)```/.exec(document) ?? [];
  expect(example.replace(/\s/g, "")).toBe(hex(encodeFrame({ ...header, payload })));
});
