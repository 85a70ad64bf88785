/**
 * Splits a function into blocks that run as a whole, and says for each what it executes and how often: as a sum of
 * counters, of which as few as possible are added (Knuth's observation that the flow into a block equals the flow out
 * of it; an inner loop needs one counter, not one per branch). instrument.ts writes the counters into the binary.
 */
import { addOpcodes, type BlockCost, type Insertion, type MemoryOperation, newBlock } from "./block_cost.js";
import type { Instruction } from "./code_reader.js";
import { countJumps, sureJump } from "./control_flow.js";
import type { CoreModule, ModuleFunction } from "./core_module.js";
import { translateFunction } from "./fast_interpreter.js";
import { LinearExpression, zeroExpression } from "./linear_expression.js";
import type { OpcodeClass } from "./opcode_class.js";
import { code } from "./opcodes.js";

/** Longer sums get a counter of their own, so that hostile control flow cannot make them grow without bound. */
const longestSum = 24;

interface Label {
  readonly kind: "function" | "block" | "loop" | "if";
  /** Flow that reaches the label by jumps: to the end of a block, not to the header of a loop. */
  incoming: LinearExpression;
  /** A br_table jumps here, or too many branches: the block behind needs a counter of its own. */
  opaque: boolean;
  /** Loops: how often the header runs by falling in, and in all. */
  readonly entries: LinearExpression;
  readonly headers: LinearExpression;
  /** Loops: exactly one jump leads back to the header. */
  readonly oneWayBack: boolean;
  /** Ifs: flow that skips the then branch; null once the else has begun. */
  otherwise: LinearExpression | null;
}

export interface FunctionBlocks {
  readonly blocks: readonly BlockCost[];
  readonly insertions: readonly Insertion[];
}

/**
 * @param splitAtCalls begin a new block behind every call, so that counts read during a call are exact: needed where
 *   `wamlet.layer` is called between layers
 * @param newCounter gives the next counter's number
 */
export function blocksOf(
  module: CoreModule,
  body: ModuleFunction,
  splitAtCalls: boolean,
  newCounter: () => number,
): FunctionBlocks {
  return new FlowWalk(module, body, splitAtCalls, newCounter).run();
}

class FlowWalk {
  readonly #instructions: readonly Instruction[];
  readonly #blocks: BlockCost[] = [];
  readonly #insertions: Insertion[] = [];
  readonly #labels: Label[] = [];
  readonly #jumpsTo: ReadonlyMap<number, number>;
  /** The block that the walk is in; null behind a jump, where nothing runs. */
  #current: BlockCost | null = null;

  constructor(
    readonly module: CoreModule,
    readonly body: ModuleFunction,
    readonly splitAtCalls: boolean,
    readonly newCounter: () => number,
  ) {
    this.#instructions = body.instructions;
    this.#jumpsTo = countJumps(body.instructions);
  }

  run(): FunctionBlocks {
    const { executed } = translateFunction(this.module, this.body);
    const start = this.#instructions[0]?.start ?? this.body.end;
    const entry = this.#countAt(start);
    this.#begin(entry);
    this.#insertFuel(start);
    this.#push("function", { entries: entry });
    this.#instructions.forEach((instruction, index) => {
      const { copies, class: opcodeClass } = executed[index] as (typeof executed)[number];
      if (copies > 0) this.#execute("copy", copies);
      if (opcodeClass !== null) this.#execute(opcodeClass);
      this.#step(instruction, index);
    });
    return { blocks: this.#blocks, insertions: this.#insertions };
  }

  #step(instruction: Instruction, index: number): void {
    const { opcode } = instruction;
    switch (opcode.code) {
      case code.block:
        this.#push("block", {});
        break;
      case code.loop:
        this.#loop(instruction, index);
        break;
      case code.if:
        this.#if(instruction, index);
        break;
      case code.else:
        this.#else();
        break;
      case code.end:
        this.#end(instruction, index);
        break;
      case code.br:
        this.#execute("branchTaken");
        this.#jump(instruction.index, this.#flow);
        this.#current = null;
        break;
      case code.brIf:
        this.#branchIf(instruction, index);
        break;
      case code.brTable:
        for (const label of instruction.labels) this.#labelAt(label).opaque = true;
        this.#current = null;
        break;
      case code.return:
      case code.unreachable:
        this.#current = null;
        break;
      case code.call:
        if (this.splitAtCalls && this.#current !== null) this.#begin(this.#countAt(instruction.end));
        break;
      case code.memoryInit:
        this.#memory(instruction, "init");
        break;
      case code.memoryCopy:
        this.#memory(instruction, "copy");
        break;
      case code.memoryFill:
        this.#memory(instruction, "fill");
        break;
      default:
    }
  }

  #loop(instruction: Instruction, index: number): void {
    if (this.#current === null) {
      this.#push("loop", {});
      return;
    }
    const entries = this.#flow;
    const ways = this.#jumpsTo.get(index) ?? 0;
    // A loop without a way back runs as often as it is entered.
    const headers = ways === 0 ? entries : this.#countAt(instruction.end);
    this.#begin(headers);
    if (ways > 0) this.#insertFuel(instruction.end);
    this.#push("loop", { entries, headers, oneWayBack: ways === 1 });
  }

  #if(instruction: Instruction, index: number): void {
    if (this.#current === null) {
      this.#push("if", { otherwise: zeroExpression });
      return;
    }
    const before = this.#flow;
    const block = this.#current;
    const taken = this.#followedBlock(instruction, index);
    const otherwise = before.minus(taken);
    this.#executeIn(block, "branchNotTaken", taken);
    this.#executeIn(block, "branchTaken", otherwise);
    this.#push("if", { otherwise });
    this.#begin(taken);
  }

  #branchIf(instruction: Instruction, index: number): void {
    const block = this.#current;
    if (block === null) return;
    const before = this.#flow;
    const target = this.#labelAt(instruction.index);
    let through =
      target.kind === "loop" && target.oneWayBack
        ? before.minus(target.headers.minus(target.entries))
        : this.#followedBlock(instruction, index);
    if (through.terms.size > longestSum) through = this.#countAt(instruction.end);
    const taken = before.minus(through);
    this.#executeIn(block, "branchNotTaken", through);
    this.#executeIn(block, "branchTaken", taken);
    this.#jump(instruction.index, taken);
    this.#begin(through);
  }

  /**
   * How often the block that begins behind `instruction` runs. Where it surely ends in the one jump back of its loop,
   * as the body of a `for` does, that is known; else it gets a counter.
   */
  #followedBlock(instruction: Instruction, index: number): LinearExpression {
    const label = this.splitAtCalls ? null : sureJump(this.#instructions, index + 1);
    if (label !== null) {
      // The label of an `if` is not pushed yet while its then branch is looked at.
      const outer = instruction.opcode.code === code.if ? label - 1 : label;
      const loop = outer < 0 ? undefined : this.#labels[this.#labels.length - 1 - outer];
      if (loop?.kind === "loop" && loop.oneWayBack) return loop.headers.minus(loop.entries);
    }
    return this.#countAt(instruction.end);
  }

  #else(): void {
    const label = this.#labelAt(0);
    this.#endThen(label);
    const otherwise = label.otherwise ?? zeroExpression;
    label.otherwise = null;
    this.#beginIfReached(otherwise);
  }

  /** The then branch ends with a jump over the else, which WAMR adds even where there is none. */
  #endThen(label: Label): void {
    if (this.#current === null) return;
    this.#execute("branchTaken");
    this.#addFlow(label, this.#flow);
    this.#current = null;
  }

  #end(instruction: Instruction, index: number): void {
    const label = this.#labelAt(0);
    let falls = this.#current === null ? zeroExpression : this.#flow;
    if (label.kind === "if" && label.otherwise !== null) {
      this.#endThen(label);
      falls = label.otherwise;
    }
    this.#labels.pop();
    // Behind the function's end there is only its return, which is counted with the call.
    if (index === this.#instructions.length - 1) return;
    const sum = falls.plus(label.incoming);
    if (label.opaque || sum.terms.size > longestSum) this.#begin(this.#countAt(instruction.end));
    else if (sum !== this.#current?.count) this.#beginIfReached(sum);
  }

  #beginIfReached(count: LinearExpression): void {
    if (count.terms.size === 0) this.#current = null;
    else this.#begin(count);
  }

  #memory(instruction: Instruction, operation: MemoryOperation): void {
    if (this.#current === null) return;
    this.#current.memoryCalls[operation]++;
    this.#insertions.push({ position: instruction.start, kind: "memory", operation });
  }

  #jump(depth: number, flow: LinearExpression): void {
    if (this.#current === null) return;
    const label = this.#labelAt(depth);
    if (label.kind !== "loop") this.#addFlow(label, flow);
  }

  #addFlow(label: Label, flow: LinearExpression): void {
    if (label.opaque) return;
    label.incoming = label.incoming.plus(flow);
    if (label.incoming.terms.size > longestSum) label.opaque = true;
  }

  get #flow(): LinearExpression {
    return this.#current?.count ?? zeroExpression;
  }

  #labelAt(depth: number): Label {
    return this.#labels[this.#labels.length - 1 - depth] as Label;
  }

  #push(
    kind: Label["kind"],
    flow: Partial<Pick<Label, "entries" | "headers" | "oneWayBack" | "otherwise">>,
  ): void {
    const zero = zeroExpression;
    this.#labels.push({
      kind,
      incoming: zero,
      opaque: false,
      entries: zero,
      headers: zero,
      oneWayBack: false,
      otherwise: null,
      ...flow,
    });
  }

  #countAt(position: number): LinearExpression {
    const counter = this.newCounter();
    this.#insertions.push({ position, kind: "counter", counter });
    return LinearExpression.counter(counter);
  }

  #insertFuel(position: number): void {
    if (this.#current !== null) this.#insertions.push({ position, kind: "fuel", block: this.#current });
  }

  #begin(count: LinearExpression): void {
    this.#current = newBlock(count);
    this.#blocks.push(this.#current);
  }

  #execute(opcodeClass: OpcodeClass, times = 1): void {
    if (this.#current === null) return;
    addOpcodes(this.#current, opcodeClass, times);
  }

  /** Counts one opcode `times` often; in the block itself where it runs every time, so that fuel is charged for it. */
  #executeIn(block: BlockCost, opcodeClass: OpcodeClass, times: LinearExpression): void {
    if (times === block.count) {
      addOpcodes(block, opcodeClass, 1);
      return;
    }
    const edge = newBlock(times);
    addOpcodes(edge, opcodeClass, 1);
    this.#blocks.push(edge);
  }
}
