/**
 * Splits a function into blocks that run as a whole, and says for each what it executes and how often: as a sum of
 * counters, of which as few as possible are added (Knuth's observation that the flow into a block equals the flow out
 * of it; an inner loop needs one counter, not one per branch). instrument.ts writes the counters into the binary.
 */
import type { Instruction } from "./code_reader.js";
import type { CoreModule, ModuleFunction } from "./core_module.js";
import { translateFunction } from "./fast_interpreter.js";
import { LinearExpression, zeroExpression } from "./linear_expression.js";
import { type OpcodeClass, opcodeClasses, opcodeClassIndex } from "./opcode_class.js";
import { code } from "./opcodes.js";

/** What a block executes each time, and how often it runs. */
export interface BlockCost {
  /** How often: a sum of counters. */
  readonly count: LinearExpression;
  /** Opcodes of each class, in the order of `opcodeClasses`. */
  readonly classes: Float64Array;
  /** Calls of memory.init, memory.copy and memory.fill. */
  readonly memoryCalls: { init: number; copy: number; fill: number };
}

export type MemoryOperation = "init" | "copy" | "fill";

/** A place in the file where instrumentation is added. */
export type Insertion = { readonly position: number } & (
  | { readonly kind: "counter"; readonly counter: number }
  /** At function entries and loop headers; charges what the block there costs. */
  | { readonly kind: "fuel"; readonly block: BlockCost }
  | { readonly kind: "memory"; readonly operation: MemoryOperation }
);

/** Longer sums get a counter of their own, so that hostile control flow cannot make them grow without bound. */
const longestSum = 24;
/** How far ahead a block's way back to its loop is looked for. */
const farthestLook = 500;

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
    const loop = this.splitAtCalls
      ? null
      : this.#surelyJumpsTo(index + 1, instruction.opcode.code === code.if);
    return loop === null ? this.#countAt(instruction.end) : loop.headers.minus(loop.entries);
  }

  /** The loop of one way back to which the instructions from `first` on lead without another way out; else null. */
  #surelyJumpsTo(first: number, insideIf: boolean): Label | null {
    let depth = 0;
    for (let index = first; index < Math.min(this.#instructions.length, first + farthestLook); index++) {
      const { opcode, index: label, labels } = this.#instructions[index] as Instruction;
      switch (opcode.code) {
        case code.block:
        case code.loop:
        case code.if:
          depth++;
          break;
        case code.else:
          if (depth === 0) return null;
          break;
        case code.end:
          if (depth === 0) return null;
          depth--;
          break;
        case code.br:
          if (label < depth) break;
          if (depth === 0) {
            // The label of the `if` itself is not pushed yet while its then branch is looked at.
            const outer = insideIf ? label - 1 : label;
            const target = outer < 0 ? undefined : this.#labels[this.#labels.length - 1 - outer];
            return target?.kind === "loop" && target.oneWayBack ? target : null;
          }
          return null;
        case code.brIf:
          if (label >= depth) return null;
          break;
        case code.brTable:
          if (labels.some((way) => way >= depth)) return null;
          break;
        case code.return:
        case code.unreachable:
          return null;
        default:
      }
    }
    return null;
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
    add(this.#current, opcodeClass, times);
  }

  /** Counts one opcode `times` often; in the block itself where it runs every time, so that fuel is charged for it. */
  #executeIn(block: BlockCost, opcodeClass: OpcodeClass, times: LinearExpression): void {
    if (times === block.count) {
      add(block, opcodeClass, 1);
      return;
    }
    const edge = newBlock(times);
    add(edge, opcodeClass, 1);
    this.#blocks.push(edge);
  }
}

function add(block: BlockCost, opcodeClass: OpcodeClass, times: number): void {
  const place = opcodeClassIndex[opcodeClass];
  block.classes[place] = (block.classes[place] ?? 0) + times;
}

function newBlock(count: LinearExpression): BlockCost {
  return {
    count,
    classes: new Float64Array(opcodeClasses.length),
    memoryCalls: { init: 0, copy: 0, fill: 0 },
  };
}

/** Jumps to each loop, by the index of its instruction; jumps in code that is never reached count, too. */
function countJumps(instructions: readonly Instruction[]): Map<number, number> {
  const jumps = new Map<number, number>();
  const open: number[] = [-1];
  instructions.forEach(({ opcode, index, labels }, at) => {
    const jump = (label: number) => {
      const target = open[open.length - 1 - label] ?? -1;
      jumps.set(target, (jumps.get(target) ?? 0) + 1);
    };
    if (opcode.code === code.block || opcode.code === code.loop || opcode.code === code.if) open.push(at);
    else if (opcode.code === code.end) open.pop();
    else if (opcode.code === code.br || opcode.code === code.brIf) jump(index);
    else if (opcode.code === code.brTable) labels.forEach(jump);
  });
  return jumps;
}
