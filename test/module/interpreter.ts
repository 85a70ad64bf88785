/**
 * A plain interpreter of the modules in these tests that counts each opcode as it meets it: slow, simple, and knowing
 * nothing of blocks and counters, so that the instrumented module can be checked against it.
 */
import { checkAbi } from "../../host/module/abi.js";
import type { Instruction } from "../../host/module/code_reader.js";
import type { CoreModule, ModuleFunction } from "../../host/module/core_module.js";
import { translateFunction } from "../../host/module/fast_interpreter.js";
import { type OpcodeClass, opcodeClasses } from "../../host/module/opcode_class.js";
import { webAssembly } from "../../host/module/webassembly.js";

type Value = number | bigint;

export interface Interpreted {
  readonly classes: Record<OpcodeClass, number>;
  readonly bytes: { init: number; copy: number; fill: number };
  readonly calls: { init: number; copy: number; fill: number };
}

/** Interprets `infer` of a payload up to its end and counts. Layers are counted as they are called. */
export function interpret(
  payload: Uint8Array,
  onLayer?: (counts: Interpreted) => void,
): Interpreted & { result: Value } {
  return new Interpreter(payload, onLayer).run();
}

interface Label {
  readonly loop: boolean;
  /** Instruction to go on with after a jump. */
  readonly target: number;
  readonly height: number;
  readonly arity: number;
}

class Interpreter {
  readonly #module: CoreModule;
  readonly #memory = new Uint8Array(65536);
  readonly #view = new DataView(this.#memory.buffer);
  readonly #weights: Uint8Array;
  readonly #globals: Value[];
  readonly #executed = new Map<ModuleFunction, ReturnType<typeof translateFunction>["executed"]>();
  readonly counts: Interpreted = {
    classes: Object.fromEntries(opcodeClasses.map((name) => [name, 0])) as Record<OpcodeClass, number>,
    bytes: { init: 0, copy: 0, fill: 0 },
    calls: { init: 0, copy: 0, fill: 0 },
  };

  constructor(
    payload: Uint8Array,
    readonly onLayer: ((counts: Interpreted) => void) | undefined,
  ) {
    const { module, weights } = checkAbi(payload);
    this.#module = module;
    this.#weights =
      weights === null ? new Uint8Array() : payload.subarray(weights.offset).slice(0, weights.bytes);
    this.#globals = module.globals.map(({ type, i32 }) => (type === "i64" ? 7n : (i32 ?? 0)));
    for (const body of module.functions) this.#executed.set(body, translateFunction(module, body).executed);
  }

  run(): Interpreted & { result: Value } {
    const infer = this.#module.exports.find(({ name }) => name === "infer");
    const result = this.#call((infer?.index ?? 0) - this.#module.imports.length, []);
    return { ...this.counts, result: result ?? 0 };
  }

  #count(name: OpcodeClass, times = 1): void {
    this.counts.classes[name] += times;
  }

  #call(index: number, parameters: readonly Value[]): Value | undefined {
    const body = this.#module.functions[index] as ModuleFunction;
    const executed = this.#executed.get(body) ?? [];
    const locals: Value[] = [...parameters, ...body.locals.map((type) => (type === "i64" ? 0n : 0))];
    const stack: Value[] = [];
    const arity = body.type.results.length;
    const ends = matchEnds(body.instructions);
    const labels: Label[] = [{ loop: false, target: body.instructions.length, height: 0, arity }];
    const pop = (): Value => stack.pop() as Value;
    const jump = (label: number): number => {
      const at = labels.length - 1 - label;
      const { loop, target, height, arity: carried } = labels[at] as Label;
      const values = carried > 0 ? [pop()] : [];
      stack.length = height;
      stack.push(...values);
      labels.length = loop ? at + 1 : at;
      return target;
    };
    for (let at = 0; at < body.instructions.length; ) {
      const instruction = body.instructions[at] as Instruction;
      const { opcode, index: operand } = instruction;
      const own = executed[at];
      if (own !== undefined && own.copies > 0) this.#count("copy", own.copies);
      if (own !== undefined && own.class !== null) this.#count(own.class);
      at++;
      switch (opcode.name) {
        case "block":
        case "loop": {
          const loop = opcode.name === "loop";
          const end = ends.get(at - 1)?.end ?? 0;
          labels.push({
            loop,
            target: loop ? at : end + 1,
            height: stack.length,
            arity: loop || instruction.result === null ? 0 : 1,
          });
          break;
        }
        case "if": {
          const { end = 0, otherwise = null } = ends.get(at - 1) ?? {};
          const taken = pop() !== 0;
          labels.push({
            loop: false,
            target: end + 1,
            height: stack.length,
            arity: instruction.result === null ? 0 : 1,
          });
          this.#count(taken ? "branchNotTaken" : "branchTaken");
          if (!taken && otherwise !== null) at = otherwise + 1;
          if (!taken && otherwise === null) {
            labels.pop();
            at = end + 1;
          }
          break;
        }
        case "else":
          this.#count("branchTaken");
          at = jump(0);
          break;
        case "end":
          // Falling out of a then branch without an else: WAMR jumps there, too.
          if (ends.get(at - 1)?.closesThen === true) this.#count("branchTaken");
          labels.pop();
          break;
        case "br":
          this.#count("branchTaken");
          at = jump(operand);
          break;
        case "br_if": {
          const taken = pop() !== 0;
          this.#count(taken ? "branchTaken" : "branchNotTaken");
          if (taken) at = jump(operand);
          break;
        }
        case "br_table": {
          const chosen = Number(pop()) >>> 0;
          at = jump(instruction.labels[Math.min(chosen, instruction.labels.length - 1)] as number);
          break;
        }
        case "return":
          return arity > 0 ? pop() : undefined;
        case "call": {
          const imports = this.#module.imports.length;
          if (operand < imports) {
            pop();
            this.onLayer?.(structuredClone(this.counts));
            break;
          }
          const { type } = this.#module.functions[operand - imports] as ModuleFunction;
          const result = this.#call(operand - imports, stack.splice(stack.length - type.parameters.length));
          if (result !== undefined) stack.push(result);
          break;
        }
        case "drop":
          pop();
          break;
        case "nop":
          break;
        case "select": {
          const condition = pop();
          const second = pop();
          const first = pop();
          stack.push(condition !== 0 ? first : second);
          break;
        }
        case "local.get":
          stack.push(locals[operand] as Value);
          break;
        case "local.set":
          locals[operand] = pop();
          break;
        case "local.tee":
          locals[operand] = stack.at(-1) as Value;
          break;
        case "global.get":
          stack.push(this.#globals[operand] as Value);
          break;
        case "global.set":
          this.#globals[operand] = pop();
          break;
        case "memory.init":
        case "memory.copy":
        case "memory.fill":
          this.#bulk(opcode.name, Number(pop()), Number(pop()), Number(pop()));
          break;
        default:
          this.#plain(instruction, stack);
      }
    }
    return arity > 0 ? pop() : undefined;
  }

  #bulk(name: string, length: number, source: number, destination: number): void {
    const operation = name.slice(7) as "init" | "copy" | "fill";
    this.counts.calls[operation]++;
    this.counts.bytes[operation] += length;
    const end = destination + length;
    if (operation === "copy") this.#memory.copyWithin(destination, source, source + length);
    else if (operation === "fill") this.#memory.fill(source, destination, end);
    else this.#memory.set(this.#weights.subarray(source, source + length), destination);
  }

  /** Constants, loads, stores and arithmetic: each by an engine function of one opcode. */
  #plain({ opcode, constant, start }: Instruction, stack: Value[]): void {
    const operands = stack.splice(stack.length - opcode.pops.length);
    if (constant !== null) {
      stack.push(constantValue(opcode.pushes[0] ?? "i32", constant));
    } else if (opcode.immediate === "memoryArgument") {
      const address = Number(operands[0]) + offsetOf(this.#bytesAt(start));
      const value = this.#access(opcode.name, address, operands[1]);
      if (value !== undefined) stack.push(value);
    } else {
      stack.push(evaluate(opcode.code, opcode.pops, opcode.pushes[0] ?? "i32", operands));
    }
  }

  #bytesAt(start: number): Uint8Array {
    const section = this.#module.sections.find(({ id }) => id === 10);
    return section === undefined ? new Uint8Array() : section.body.subarray(start - section.bodyOffset);
  }

  #access(name: string, address: number, value: Value | undefined): Value | undefined {
    const view = this.#view;
    switch (name) {
      case "i32.load":
        return view.getInt32(address, true);
      case "i64.load":
        return view.getBigInt64(address, true);
      case "f32.load":
        return view.getFloat32(address, true);
      case "f64.load":
        return view.getFloat64(address, true);
      case "i32.load8_s":
        return view.getInt8(address);
      case "i32.load8_u":
        return view.getUint8(address);
      case "i32.load16_s":
        return view.getInt16(address, true);
      case "i32.load16_u":
        return view.getUint16(address, true);
      case "i64.load8_s":
        return BigInt(view.getInt8(address));
      case "i64.load32_s":
        return BigInt(view.getInt32(address, true));
      case "i32.store":
        view.setInt32(address, Number(value), true);
        return undefined;
      case "i64.store":
        view.setBigInt64(address, BigInt(value ?? 0), true);
        return undefined;
      case "f32.store":
        view.setFloat32(address, Number(value), true);
        return undefined;
      case "f64.store":
        view.setFloat64(address, Number(value), true);
        return undefined;
      default:
        throw new Error(`the interpreter of the tests knows no ${name}`);
    }
  }
}

/** The offset of a memory access: behind opcode and alignment. */
function offsetOf(bytes: Uint8Array): number {
  let value = 0;
  let shift = 0;
  let at = 2;
  for (;;) {
    const byte = bytes[at++] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
    shift += 7;
  }
}

function constantValue(type: string, bits: bigint): Value {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits, true);
  if (type === "i32") return view.getInt32(0, true);
  if (type === "i64") return view.getBigInt64(0, true);
  return type === "f32" ? view.getFloat32(0, true) : view.getFloat64(0, true);
}

const evaluators = new Map<number, (...operands: Value[]) => Value>();

/** One opcode as a module of one function, so that its arithmetic is the engine's. */
function evaluate(code: number, pops: readonly string[], push: string, operands: readonly Value[]): Value {
  let evaluator = evaluators.get(code);
  if (evaluator === undefined) {
    const byte: Readonly<Record<string, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c };
    const gets = pops.flatMap((_, index) => [0x20, index]);
    const opcode = code > 0xff ? [0xfc, code & 0xff] : [code];
    const type = [1, 0x60, pops.length, ...pops.map((name) => byte[name] as number), 1, byte[push] as number];
    const body = [0, ...gets, ...opcode, 0x0b];
    const section = (id: number, content: number[]) => [id, content.length, ...content];
    const wasm = Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, type),
      ...section(3, [1, 0]),
      ...section(7, [1, 1, 0x66, 0, 0]),
      ...section(10, [1, body.length, ...body]),
    ]);
    const instance = new webAssembly.Instance(new webAssembly.Module(wasm));
    evaluator = instance.exports.f as (...operands: Value[]) => Value;
    evaluators.set(code, evaluator);
  }
  return evaluator(...operands);
}

interface Ends {
  readonly end: number;
  readonly otherwise: number | null;
  /** On an end: it closes an `if` that has no else. */
  readonly closesThen: boolean;
}

/** For each block, loop and if its end and else; for each end whether it closes a then branch. */
function matchEnds(instructions: readonly Instruction[]): Map<number, Ends> {
  const ends = new Map<number, Ends>();
  const open: { at: number; otherwise: number | null }[] = [];
  instructions.forEach(({ opcode }, at) => {
    if (["block", "loop", "if"].includes(opcode.name)) open.push({ at, otherwise: null });
    const innermost = open.at(-1);
    if (innermost === undefined) return;
    if (opcode.name === "else") innermost.otherwise = at;
    if (opcode.name === "end") {
      open.pop();
      const closesThen = instructions[innermost.at]?.opcode.name === "if" && innermost.otherwise === null;
      ends.set(innermost.at, { end: at, otherwise: innermost.otherwise, closesThen: false });
      ends.set(at, { end: at, otherwise: null, closesThen });
    }
  });
  return ends;
}
