/**
 * The format of a recording, version 1: JSON lines in UTF-8. The first line says of what it is,
 *
 *   {"wamlet":"recording","version":1,"module":"kws","inputs":[tensor, …],"outputs":[tensor, …]}
 *
 * with tensor = {"name","type","shape","scale","zeroPoint"}; every further line is one frame and its answer,
 *
 *   {"frame":0,"label":"yes","inputs":["base64", …],"outputs":["base64", …],"measured":{…}}
 *
 * where the strings are the tensors' own bytes, `label` is left out where there is none, and `measured` holds what
 * the writer knew (count, microseconds, …; left out where nothing). Only lines with a line end count: what stands
 * behind the last one was being written when the writer ended, and is no part of the recording.
 */

import { WamletError } from "../errors.js";
import { isRecord } from "./json_frame.js";
import type { FrameTensor } from "./quantise.js";

/** What a recording is of. */
export interface RecordingAbout {
  /** Name of the module that answered. */
  readonly module: string;
  readonly inputs: readonly FrameTensor[];
  readonly outputs: readonly FrameTensor[];
}

const version = 1;

/** The first line, without its end. */
export function recordingHeader({ module, inputs, outputs }: RecordingAbout): string {
  const described = (tensors: readonly FrameTensor[]) =>
    tensors.map(({ name, type, shape, scale, zeroPoint }) => ({ name, type, shape, scale, zeroPoint }));
  return JSON.stringify({
    wamlet: "recording",
    version,
    module,
    inputs: described(inputs),
    outputs: described(outputs),
  });
}

/** Whether a line, parsed, is the first of a recording. */
export function isRecordingHeader(parsed: unknown): parsed is Record<string, unknown> {
  return isRecord(parsed) && Object.hasOwn(parsed, "wamlet") && parsed.wamlet === "recording";
}

/**
 * Holds the recorded tensors against those that are expected: the same bytes mean the same only where type, shape,
 * scale and zero point are the same. Names may differ.
 * @throws WamletError WAMLET_WRONG_SHAPE, WAMLET_INVALID_FRAMES for another version
 */
export function checkRecordingHeader(
  header: Record<string, unknown>,
  key: "inputs" | "outputs",
  expected: readonly FrameTensor[],
  name: string,
): void {
  if (header.version !== version) {
    throw new WamletError(
      "WAMLET_INVALID_FRAMES",
      `${name} is a recording of version ${JSON.stringify(header.version)}; this Wamlet reads version ${version}.`,
      "Use the version of Wamlet that recorded it.",
    );
  }
  const recorded = header[key];
  const found = Array.isArray(recorded) ? recorded.map(describe) : [];
  const wanted = expected.map(describe);
  if (found.length === wanted.length && found.every((text, index) => text === wanted[index])) return;
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `${name} was recorded with the ${key} ${found.join(", ").slice(0, 200) || "of no tensor"}; expected ${wanted.join(", ")}.`,
    "Replay it with the module that it was recorded with.",
  );
}

/** `int8 [1, 8], scale 0.5, zero point 3`. */
function describe(tensor: unknown): string {
  if (!isRecord(tensor)) return "?";
  const { type, shape, scale, zeroPoint } = tensor;
  const dimensions = Array.isArray(shape) ? shape.map(String).join(", ") : "?";
  const quantisation = scale === null ? "" : `, scale ${String(scale)}, zero point ${String(zeroPoint)}`;
  return `${String(type)} [${dimensions}]${quantisation}`;
}
