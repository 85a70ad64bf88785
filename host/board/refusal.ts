/** A board's ERROR in words: what it could not do, with its figures, and what to do about it. */
import { WamletError } from "../errors.js";
import { type DeviceErrorName, deviceErrorName, deviceErrors } from "../wire/error_code.js";
import type { MessageOf } from "../wire/message.js";

type Words = readonly [sentence: string, hint: string];

const update = "Use the wamlet release that belongs to the agent on the board, or flash the agent anew.";
const smaller = 'Use a smaller model or a board with more memory; "wamlet inspect" shows where the bytes go.';
const again = "Deploy the module again.";
const list = '"wamlet modules" lists what is on the board.';

const words: Readonly<Record<DeviceErrorName, (numbers: readonly number[]) => Words>> = {
  "unknown-message": ([type]) => [`The board does not know message type ${type}.`, update],
  malformed: ([type]) => [`The board could not read a message of type ${type}.`, update],
  busy: () => ["The board is busy with another request.", "Wait until it is done, then try again."],
  "invalid-manifest": () => ["The board could not read the module's manifest.", update],
  "unsupported-kind": ([kind]) => [`The board runs no modules of kind ${kind}.`, update],
  "unsupported-abi": ([abi, supported]) => [
    `The module is made for ABI ${abi}, the board runs ABI ${supported}.`,
    "Compile the model with this release, or flash the agent anew.",
  ],
  "unsupported-feature": ([bits]) => [
    `The board's runtime lacks features that the module needs (bits 0x${(bits ?? 0).toString(16)}).`,
    "Compile for this board (--board), or flash an agent with a newer runtime.",
  ],
  "too-large-for-slot": ([needed, slot]) => [
    `The module takes ${needed} bytes of flash, a slot has ${slot}.`,
    "Use a smaller model, or flash an agent with larger slots.",
  ],
  "not-enough-memory": ([needed, available]) => [
    `The module needs ${needed} bytes of memory, ${available} are available.`,
    smaller,
  ],
  "block-too-large": ([needed, largest]) => [
    `The module needs a block of ${needed} bytes, the largest free one has ${largest}.`,
    smaller,
  ],
  "store-full": ([slots]) => [
    `All ${slots} slots of the store are taken.`,
    'Remove a module with "wamlet modules remove NAME".',
  ],
  "no-deploy": () => ["The board has no deploy under way.", again],
  "wrong-offset": ([expected, got]) => [
    `The board expected byte ${expected} of the payload, not ${got}.`,
    again,
  ],
  "hash-mismatch": () => ["What the board read back from flash is not what was sent.", again],
  "flash-failed": ([address]) => [
    `The board's flash failed at 0x${(address ?? 0).toString(16)}.`,
    "Try again; if it fails at the same address, the flash is worn out or the layout is wrong.",
  ],
  "unknown-module": () => ["The board has no such module.", list],
  "no-active-module": () => [
    "No module of the board is active.",
    'Name a module, deploy one, or activate one with "wamlet modules activate NAME".',
  ],
  "module-active": () => ["The active module cannot be removed.", "Activate another one first."],
  "module-loaded": () => ["The module is loaded.", "Unload it first."],
  "store-corrupt": ([slot]) => [`Slot ${slot} of the store is damaged.`, again],
  "load-failed": () => [
    "The board's runtime refused the module.",
    "Compile it for this board and deploy it again.",
  ],
  "unknown-handle": ([handle]) => [`The board has no loaded module ${handle}.`, "Load the module again."],
  "wrong-tensor": ([tensor, count]) => [
    `Input tensor ${tensor} does not exist: the module has ${count}.`,
    '"wamlet inspect" shows the input tensors.',
  ],
  "wrong-length": ([tensor, bytes, expected]) => [
    `Input tensor ${tensor} has ${expected} bytes, ${bytes} came.`,
    '"wamlet inspect" shows the shapes of the inputs.',
  ],
  "no-layers": () => [
    "The module cannot count by layer: it is not a profiling build.",
    "Compile the model with --profile and deploy that.",
  ],
  "no-state": () => [
    "The module has no state to reset.",
    "Leave the reset out: its inferences are independent.",
  ],
  trapped: () => [
    "The module trapped during an inference.",
    "Deploy it again; if it traps again, report the model.",
  ],
  "out-of-bounds": ([address]) => [
    `The module reached beyond its memory plan${address === undefined ? "" : ` at ${address}`}.`,
    "Compile the model with this release and deploy it again; if it happens again, report the model.",
  ],
  "out-of-time": ([budget]) => [
    `The inference was stopped: it exceeded its budget of ${budget}.`,
    "Deploy the module again; if it happens again, report the model.",
  ],
  "inference-failed": ([returned]) => [
    `The module's inference failed and returned ${returned}.`,
    "Deploy the module again; if it happens again, report the model.",
  ],
};

/** @param doing what was asked of the board, `load digits`, to begin the sentence with */
export function refusal(error: MessageOf<"error">, doing: string): WamletError {
  const name = deviceErrorName(error.code);
  if (name === null) {
    return new WamletError(
      "WAMLET_BOARD_REFUSED",
      `Could not ${doing}: the board answers with error ${error.code}${says(error.text)}`,
      update,
    );
  }
  const expected = deviceErrors[name].numbers.filter((meaning) => !meaning.endsWith("where known"));
  const complete = error.numbers.length >= expected.length;
  // Without its figures a sentence would say "undefined"; then the board's own words must do.
  const [sentence, hint] = words[name](complete ? error.numbers : expected.map(() => 0));
  const what = complete ? sentence : `${name.replaceAll("-", " ")}.`;
  const detail = error.text === "" ? "" : ` The board says: ${printable(error.text)}`;
  return new WamletError(deviceErrors[name].code, `Could not ${doing}. ${what}${detail}`, hint);
}

function says(text: string): string {
  return text === "" ? "." : `: ${printable(text)}`;
}

/** A board's text must not steer a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, " ").slice(0, 200);
}
