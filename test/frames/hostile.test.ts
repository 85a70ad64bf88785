/** Damaged files of every kind of frames: read or refused, never worse. */
import { expect } from "vitest";
import { readClassNames, readFrameLabels } from "../../host/frames/labels.js";
import { liveFrames } from "../../host/frames/live.js";
import type { LiveFormat } from "../../host/frames/live_reader.js";
import { type ReadFramesOptions, readFrames } from "../../host/frames/read_frames.js";
import { readRecordedAnswers } from "../../host/frames/recording.js";
import { recordingHeader } from "../../host/frames/recording_header.js";
import { describeSurvival, type Outcome } from "../fuzz/survival.js";
import { npyFile, npyLiteral, tensorOf, textFile } from "./material.js";
import pillow from "./pillow.json" with { type: "json" };
import { pngFile, wavFile, withPngChecksums } from "./sound_and_pictures.js";

interface FrameReader {
  name: string;
  file: { name: string; bytes: Uint8Array };
  read: (file: { name: string; bytes: Uint8Array }) => unknown;
  repair?: (bytes: Uint8Array) => Uint8Array;
  whole?: Outcome;
  refuses?: boolean;
}

const int8 = tensorOf("int8", [1, 2, 3], 0.1, 3);
const picture = tensorOf("uint8", [1, 3, 4, 3], 1 / 255, 0);
const floats = new Uint8Array(new Float32Array([0.5, -1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]).buffer);

/** Reads every frame, and holds each to its promise: as many bytes as the tensor has. */
async function readAll(
  file: { name: string; bytes: Uint8Array },
  tensor = int8,
  options: ReadFramesOptions = {},
): Promise<void> {
  const frames = await readFrames(file, [tensor], options);
  expect(frames.count).toBeLessThanOrEqual(file.bytes.length);
  for (const { inputs } of frames) expect(inputs.map((bytes) => bytes.length)).toEqual([tensor.bytes]);
}

/** The same bytes as a live source, in pieces of 7. */
async function readLive(bytes: Uint8Array, format: LiveFormat, malformed: "refuse" | "skip"): Promise<void> {
  async function* source() {
    for (let from = 0; from < bytes.length; from += 7) yield bytes.subarray(from, from + 7);
  }
  const live = liveFrames(source(), [int8], { name: "stdin", format, malformed });
  for await (const { inputs } of live) expect(inputs.map((input) => input.length)).toEqual([6]);
  expect(live.counts.received + live.counts.malformed).toBeLessThanOrEqual(bytes.length);
}

const image = (text: string) => ({ name: "p.jpg", bytes: Uint8Array.from(Buffer.from(text, "base64")) });
const csvText = 'label,a,b,c,d,e,"f"\r\n# note\r\nup,1,2.5,-3,.4,5e-1,"6"\r\n\r\ndown,1,2,3,4,5,6\r\n';
const jsonText =
  '{"values":[1,2.5,-3,0.4,5e-1,6],"label":"up"}\n\n{"input":[[1,2,3],[4,5,6]],"label":2}\r\n{"inputs":{"input":"AQIDBAUG"},"label":"x"}\n';
const signalText =
  "time_ms,x,y,z,label\n0,1,2,3,a\n10,4,5,6,a\n20,7,8,9,b\n90,1,1,1,b\n100,2,2,2,b\n110,3,3,3,a\n";
const recordingText = `${recordingHeader({ module: "m", inputs: [int8], outputs: [int8] })}
{"frame":0,"label":"up","inputs":["AQIDBAUG"],"outputs":["AQIDBAUG"]}
{"frame":1,"label":"up","inputs":["AQIDBAUG"],"outputs":["AQIDBAUG"],"measured":{"microseconds":7}}
`;
const signal: ReadFramesOptions = { sampleRate: 100, hop: { samples: 1 }, gaps: "split", format: "imu" };

const readers: FrameReader[] = [
  { name: "raw", file: { name: "f.bin", bytes: new Uint8Array(24) }, read: (file) => readAll(file) },
  { name: "NPY 1.0", file: npyFile(npyLiteral("<f4", [2, 2, 3]), floats), read: (file) => readAll(file) },
  { name: "NPY 2.0", file: npyFile(npyLiteral("<f4", [2, 2, 3]), floats, 2), read: (file) => readAll(file) },
  {
    name: "CSV",
    file: textFile("f.csv", csvText),
    read: (file) => readAll(file),
  },
  {
    name: "file without an ending",
    file: { ...npyFile(npyLiteral("|i1", [2, 6]), new Uint8Array(12)), name: "f" },
    read: (file) => readAll(file),
  },
  { name: "class names", file: textFile("c.txt", "still\nwalking\n\u00e9t\u00e9\n"), read: readClassNames },
  { name: "CSV labels", file: textFile("l.csv", 'id,label\n1,"up"\n2,down\n'), read: readFrameLabels },
  { name: "NPY labels", file: npyFile(npyLiteral("<i8", [3]), new Uint8Array(24)), read: readFrameLabels },
  {
    name: "WAV",
    file: wavFile(new Uint8Array(48), { channels: 2 }),
    read: (file) => readAll(file, int8, { hop: { samples: 2 }, sampleRange: "unit" }),
  },
  {
    name: "WAV with an extensible header",
    file: wavFile(floats, { bits: 32, format: 3, extensible: true }),
    read: (file) => readAll(file, int8, { sampleRange: "unit" }),
  },
  {
    name: "PNG",
    file: pngFile({
      width: 5,
      height: 3,
      colourType: 2,
      rows: Uint8Array.from({ length: 48 }, (_, index) => (index % 16 === 0 ? index / 16 + 1 : index * 5)),
    }),
    read: (file) => readAll(file, picture),
    repair: withPngChecksums,
  },
  {
    name: "interlaced PNG with a palette",
    file: pngFile({
      width: 5,
      height: 4,
      depth: 4,
      colourType: 3,
      interlaced: true,
      palette: Uint8Array.from({ length: 48 }, (_, index) => index * 5),
      // Passes of 1, 1, 1, 3, 2 × 2 and 2 × 5 pixels.
      rows: new Uint8Array([
        0, 0x10, 0, 0x20, 0, 0x30, 0, 0x12, 0x30, 0, 0x12, 0, 0x34, 0, 1, 2, 0x30, 0, 3, 2, 0x10,
      ]),
    }),
    read: (file) => readAll(file, picture),
    repair: withPngChecksums,
  },
  { name: "baseline JPEG", file: image(pillow.baseline), read: (file) => readAll(file, picture) },
  { name: "progressive JPEG", file: image(pillow.progressive), read: (file) => readAll(file, picture) },
  { name: "grey JPEG", file: image(pillow.grey), read: (file) => readAll(file, picture) },
  {
    name: "list of images",
    file: textFile("l.csv", "file,label\nnone-1.png,a\nnone-2.jpg,b\n"),
    // The images do not exist: a list that is read ends in WAMLET_FILE_NOT_FOUND, one that is not in another.
    read: (file) => readAll(file, picture, { format: "image" }),
    whole: "refused",
  },
  { name: "IMU CSV", file: textFile("i.csv", signalText), read: (file) => readAll(file, int8, signal) },
  { name: "JSON lines", file: textFile("j.jsonl", jsonText), read: (file) => readAll(file) },
  { name: "recording", file: textFile("r.jsonl", recordingText), read: (file) => readAll(file) },
  {
    name: "recorded answers",
    file: textFile("r.jsonl", recordingText),
    read: (file) => Array.from(readRecordedAnswers(file, [int8])),
  },
  ...(["raw", "csv", "jsonl"] as const).flatMap((format) =>
    (["refuse", "skip"] as const).map((malformed) => ({
      name: `live ${format}, ${malformed}`,
      file: textFile("live", { raw: "abcdefghijkl", csv: csvText, jsonl: jsonText }[format]),
      read: ({ bytes }: { bytes: Uint8Array }) => readLive(bytes, format, malformed),
      refuses: malformed === "refuse",
    })),
  ),
];

for (const { file, read, ...promises } of readers) {
  describeSurvival({
    ...promises,
    file: file.bytes,
    read: (bytes) => read({ name: file.name, bytes }),
  });
}
