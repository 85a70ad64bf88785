/** How a three-lane tile turns its sums into bytes, which forms of it there are, and what of a layer they ask for. */
import { type Proof, takesTable } from "./lane_proof.js";

/**
 * `loop`: from memory, word by word. `table`: so, and the clamp is a table, where it does not rectify. `direct`: from
 * locals in straight code, which takes the most code; the clamp is a table where it does not rectify.
 */
export type Finish = "loop" | "table" | "direct";

/** What `--help` of a form says beside the rest. */
export const finishWhen: Readonly<Record<Finish, string>> = {
  loop: "",
  table: "; no rectifier, and the clamp is a table of at most 8 KB",
  direct: "; straight code from sums to bytes, and a table of at most 8 KB where there is no rectifier",
};

/** With kernels for any distance between pixels, which layers share, and for one. */
export const finishVariants: readonly { readonly fixed: boolean; readonly finish: Finish }[] = [
  { fixed: false, finish: "loop" },
  { fixed: false, finish: "table" },
  { fixed: true, finish: "loop" },
  { fixed: true, finish: "table" },
  { fixed: true, finish: "direct" },
];

/** Whether a layer's sums can become bytes in this way. */
export function finishes(proof: Proof, finish: Finish): boolean {
  if (finish === "loop") return true;
  if (finish === "table") return takesTable(proof);
  return proof.parts === 1 && (proof.rectified || proof.table !== null);
}
