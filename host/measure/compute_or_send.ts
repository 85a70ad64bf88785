/**
 * Compute or send? What one frame costs a device that sends it raw over its radio, against running the
 * inference and sending the answer alone. Every figure keeps its source, so that whoever prints the verdict
 * can print what it rests on.
 */

import type { Board, Radio } from "../descriptor/board.js";

export interface RadioComparison {
  /** `BLE`. */
  readonly radio: string;
  /** Sending the raw frame. */
  readonly send: { readonly messages: number; readonly nanojoules: number };
  /** The inference and sending the answer. */
  readonly compute: { readonly messages: number; readonly nanojoules: number };
  /** send / compute: how many times dearer sending the frame is; null where computing costs nothing. */
  readonly ratio: number | null;
  readonly verdict: "compute" | "send" | "equal";
  /** Where the radio's figures come from. */
  readonly sources: { readonly message: string; readonly byte: string };
}

/**
 * Compares for each radio of the board.
 * @param frameBytes input bytes of one frame
 * @param answerBytes what a device would send instead: a class index is 1 byte
 * @param inferenceNanojoules energy of one inference, measured or modelled
 * @throws RangeError for a negative figure, or one that is not finite
 */
export function computeOrSend(
  board: Pick<Board, "radios">,
  frameBytes: number,
  answerBytes: number,
  inferenceNanojoules: number,
): RadioComparison[] {
  for (const figure of [frameBytes, answerBytes, inferenceNanojoules]) {
    if (!Number.isFinite(figure) || figure < 0) throw new RangeError(`${figure} is no size or energy`);
  }
  return board.radios.map((radio) => {
    const frame = sending(radio, frameBytes);
    const answer = sending(radio, answerBytes);
    const computed = inferenceNanojoules + answer.nanojoules;
    return {
      radio: radio.name,
      send: frame,
      compute: { messages: answer.messages, nanojoules: computed },
      ratio: computed === 0 ? null : frame.nanojoules / computed,
      verdict: computed === frame.nanojoules ? "equal" : computed < frame.nanojoules ? "compute" : "send",
      sources: { message: radio.messageNanojoules.source, byte: radio.byteNanojoules.source },
    };
  });
}

/**
 * Energy to send `bytes`: `messages · messageNanojoules + bytes · byteNanojoules`, in as many messages as the
 * longest payload asks for. No bytes still take a message: it says that there is an answer.
 */
function sending(radio: Radio, bytes: number): { messages: number; nanojoules: number } {
  const messages = Math.max(1, Math.ceil(bytes / radio.messageBytes));
  const nanojoules = messages * radio.messageNanojoules.value + bytes * radio.byteNanojoules.value;
  return { messages, nanojoules };
}
