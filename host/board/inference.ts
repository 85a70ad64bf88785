/** One frame: its input in chunks that suit the board's window, its answer put together as it comes. */
import { WamletError } from "../errors.js";
import { payloadWithin } from "../wire/frame.js";
import { message } from "../wire/message.js";
import { type Answer, AnswerAssembly, type AnswerForm } from "./answer.js";
import type { Conversation } from "./conversation.js";
import { restarted } from "./conversation_errors.js";
import { refusal } from "./refusal.js";

/** What inference needs to know of a loaded module. */
export interface InferenceTarget extends AnswerForm {
  readonly name: string;
  readonly handle: number;
  readonly inputBytes: readonly number[];
  /** The conversation's generation when it was loaded: after a restart the handle names nothing. */
  readonly generation: number;
}

/** Most bytes of an INPUT message beside its data: type, handle, frame, tensor, offset, flags, data's header. */
const inputOverhead = 32;
/** The window takes at least this many chunks, so that one is on the line while others are consumed. */
const chunksPerWindow = 3;
/**
 * Sends one frame. Chunks of two frames never mix, whoever sends them.
 * @param position the answer's `frame`
 * @returns once the last chunk is handed over, the answer to come
 * @throws WamletError WAMLET_WRONG_SHAPE, or what ends the conversation
 */
export function sendFrame(
  conversation: Conversation,
  target: InferenceTarget,
  inputs: readonly Uint8Array[],
  position: number,
  layers: boolean,
): Promise<{ readonly answer: Promise<Answer> }> {
  return conversation.exclusive(async () => {
    checkInputs(target, inputs);
    await roomFor(conversation, target);
    const frame = conversation.nextFrame();
    const answer = awaitAnswer(conversation, target, frame, new AnswerAssembly(position, target, layers));
    // Whoever reads the answer sees its error; until then it must not count as unhandled.
    answer.catch(() => {});
    for (const chunk of chunks(inputs, chunkBytes(conversation))) {
      await roomFor(conversation, target);
      conversation.post(message("input", { handle: target.handle, frame, layers, ...chunk }));
    }
    return { answer };
  });
}

function awaitAnswer(
  conversation: Conversation,
  target: InferenceTarget,
  frame: number,
  assembly: AnswerAssembly,
): Promise<Answer> {
  return conversation.wait<Answer>(`frame ${frame}`, (received, settle) => {
    if (received.type === "error") settle.reject(refusal(received, `run ${target.name}`));
    if (received.type !== "result") return;
    try {
      const complete = assembly.take(received);
      if (complete !== null) settle.resolve(complete);
    } catch (error) {
      settle.reject(error as WamletError);
    }
  });
}

async function roomFor(conversation: Conversation, target: InferenceTarget): Promise<void> {
  await conversation.room();
  if (conversation.generation !== target.generation) throw restarted();
}

/** A frame's tensors in pieces; all but the last say that more follows. */
export function* chunks(
  inputs: readonly Uint8Array[],
  bytes: number,
): Generator<{ tensor: number; offset: number; data: Uint8Array; more: boolean }> {
  for (const [tensor, input] of inputs.entries()) {
    let offset = 0;
    do {
      const data = input.subarray(offset, offset + bytes);
      const end = offset + data.length;
      yield { tensor, offset, data, more: tensor < inputs.length - 1 || end < input.length };
      offset = end;
    } while (offset < input.length);
  }
}

/** How much of a tensor fits a message of the board, and its window a few times. */
export function chunkBytes(conversation: Conversation): number {
  const { maxPayload, window } = conversation.limits;
  return Math.min(maxPayload, payloadWithin(Math.floor(window / chunksPerWindow))) - inputOverhead;
}

function checkInputs(target: InferenceTarget, inputs: readonly Uint8Array[]): void {
  const expected = target.inputBytes;
  const fits =
    inputs.length === expected.length && inputs.every((input, index) => input.length === expected[index]);
  if (fits) return;
  throw new WamletError(
    "WAMLET_WRONG_SHAPE",
    `${target.name} takes input tensors of ${expected.join(", ")} bytes; the frame has ${
      inputs.map((input) => input.length).join(", ") || "none"
    }.`,
    '"wamlet inspect" shows the shapes of the inputs.',
  );
}
