/** Questions about a function's control flow that are answered by looking ahead, for block_counts.ts. */
import type { Instruction } from "./code_reader.js";
import { code } from "./opcodes.js";

/** How far ahead a block's way back to its loop is looked for. */
const farthestLook = 500;

const opensBlock = (value: number): boolean =>
  value === code.block || value === code.loop || value === code.if;

/** Jumps to each loop, by the index of its instruction; jumps in code that is never reached count, too. */
export function countJumps(instructions: readonly Instruction[]): Map<number, number> {
  const jumps = new Map<number, number>();
  const open: number[] = [-1];
  instructions.forEach(({ opcode, index, labels }, at) => {
    const jump = (label: number) => {
      const target = open[open.length - 1 - label] ?? -1;
      jumps.set(target, (jumps.get(target) ?? 0) + 1);
    };
    if (opensBlock(opcode.code)) open.push(at);
    else if (opcode.code === code.end) open.pop();
    else if (opcode.code === code.br || opcode.code === code.brIf) jump(index);
    else if (opcode.code === code.brTable) labels.forEach(jump);
  });
  return jumps;
}

/**
 * The label of the unconditional jump in which the instructions from `first` on surely end, without another way out
 * before it; null where that is not so, or too far away. A trap does not count as a way out.
 * @returns the label as it is named at `first`
 */
export function sureJump(instructions: readonly Instruction[], first: number): number | null {
  let depth = 0;
  const last = Math.min(instructions.length, first + farthestLook);
  for (let at = first; at < last; at++) {
    const { opcode, index, labels } = instructions[at] as Instruction;
    if (opensBlock(opcode.code)) {
      depth++;
      continue;
    }
    switch (opcode.code) {
      case code.else:
        if (depth === 0) return null;
        break;
      case code.end:
        if (depth === 0) return null;
        depth--;
        break;
      case code.br:
        if (index < depth) break;
        return depth === 0 ? index : null;
      case code.brIf:
        if (index >= depth) return null;
        break;
      case code.brTable:
        if (labels.some((label) => label >= depth)) return null;
        break;
      case code.return:
      case code.unreachable:
        return null;
      default:
    }
  }
  return null;
}
