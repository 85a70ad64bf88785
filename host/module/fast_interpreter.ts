/**
 * What WAMR's fast interpreter makes of a function. Its loader turns Wasm into register code before it runs: some
 * opcodes vanish, and copies appear that are in no file. This follows the loader opcode by opcode
 * (`wasm_loader_prepare_bytecode` in `core/iwasm/interpreter/wasm_loader.c`, main of 2026-07), so that opcodes are
 * counted and sizes known as a board has them. The rules in words: docs/MODULE.md, chapter Counting.
 */
import { type Instruction, unsupported } from "./code_reader.js";
import type { CoreModule, FunctionType, ModuleFunction } from "./core_module.js";
import type { OpcodeClass } from "./opcode_class.js";
import { code, type ValueType } from "./opcodes.js";
import { cellsOf, emitted, mostCells, SlotStack } from "./slot_stack.js";

/** What one instruction of the file executes on the board, besides the jumps of control instructions. */
export interface ExecutedOpcodes {
  /** Copies that the loader adds: before the instruction, or at a block's end on the way that falls into it. */
  readonly copies: number;
  /** Class of the instruction itself; null where nothing is executed, or a branch decides. */
  readonly class: OpcodeClass | null;
}

export interface TranslatedFunction {
  /** One entry per instruction. */
  readonly executed: readonly ExecutedOpcodes[];
  /** Bytes of register code on a 32-bit target. */
  readonly compiledBytes: number;
  /** Cells of 4 bytes: a frame holds constants, parameters with locals, and stack. */
  readonly constantCells: number;
  readonly localCells: number;
  readonly stackCells: number;
}

/** `local.set` and `local.tee` have their short forms up to this cell. */
const shortLocalCells = 256;

/**
 * Opcodes into whose result slot a following `local.set` folds (macros LAST_OP_OUTPUT_I32 and LAST_OP_OUTPUT_I64):
 * loads, and comparisons, arithmetic, conversions, reinterpretations; not sign extension, select, call or tee.
 */
function foldsIntoSet(value: number): boolean {
  return (value >= 0x28 && value <= 0x35) || (value >= 0x45 && value <= 0xbf);
}

/**
 * Follows the loader through one function.
 * @throws WamletError WAMLET_UNSUPPORTED_MODULE for more slots or constants than WAMR can address
 */
export function translateFunction(module: CoreModule, body: ModuleFunction): TranslatedFunction {
  return new Translation(module, body).run();
}

class Translation {
  /** Offset of each parameter and local, in cells, and its type. */
  readonly #localOffsets: number[] = [];
  readonly #localTypes: readonly ValueType[];
  readonly #stack: SlotStack;
  readonly #constants32 = new Set<bigint>();
  readonly #constants64 = new Set<bigint>();
  /** Code of the instruction before. */
  #previous = -1;

  constructor(
    readonly module: CoreModule,
    readonly body: ModuleFunction,
  ) {
    this.#localTypes = [...body.type.parameters, ...body.locals];
    let cells = 0;
    for (const type of this.#localTypes) {
      this.#localOffsets.push(cells);
      cells += cellsOf(type);
    }
    if (cells > mostCells) throw unsupported(`a function with ${cells} cells of locals`);
    this.#stack = new SlotStack(cells);
  }

  run(): TranslatedFunction {
    const stack = this.#stack;
    stack.open("function", this.body.type.results[0] ?? null);
    const executed = this.body.instructions.map((instruction) => {
      stack.copies = 0;
      const opcodeClass = this.#translate(instruction);
      this.#previous = instruction.opcode.code;
      return { copies: stack.copies, class: opcodeClass };
    });
    const constantCells = this.#constants64.size * 2 + this.#constants32.size;
    const { localCells, stackCells, bytes } = stack;
    if (localCells + stackCells > mostCells || constantCells > mostCells) {
      throw unsupported("a function with more stack slots or constants than WAMR can address");
    }
    return { executed, compiledBytes: bytes, constantCells, localCells, stackCells };
  }

  /** @returns the class that is executed for it, besides copies */
  #translate(instruction: Instruction): OpcodeClass | null {
    const { opcode, index } = instruction;
    const stack = this.#stack;
    switch (opcode.code) {
      case code.nop:
        return null;
      case code.unreachable:
        stack.bytes += emitted.label;
        stack.leave();
        return null;
      case code.block:
      case code.loop:
        stack.preserveAll();
        stack.open(opcode.code === code.loop ? "loop" : "block", instruction.result);
        return null;
      case code.if:
        // The condition is still on the stack here: a local that is the condition is copied, too.
        stack.preserveAll();
        stack.pop("i32");
        stack.bytes += emitted.label + 2 * emitted.pointer;
        stack.open("if", instruction.result);
        return null;
      case code.else:
        stack.else();
        return null;
      case code.end:
        if (stack.close().kind === "function") {
          stack.bytes += emitted.label + emitted.offset * this.body.type.results.length;
        }
        return null;
      case code.br:
        stack.bytes += emitted.label;
        stack.branch(index, "br");
        stack.leave();
        return null;
      case code.brIf:
        stack.bytes += emitted.label;
        stack.pop("i32");
        stack.branch(index, "br_if");
        return null;
      case code.brTable:
        stack.bytes += emitted.label + emitted.word;
        stack.pop("i32");
        for (const label of instruction.labels) stack.branch(label, "br_table");
        stack.leave();
        return "branchTable";
      case code.return:
        stack.bytes += emitted.label;
        for (const type of this.body.type.results) stack.pop(type);
        stack.leave();
        return null;
      case code.call:
        return this.#call(index);
      case code.callIndirect:
        throw unsupported("call_indirect");
      case code.drop:
        stack.drop();
        return null;
      case code.select:
        this.#select();
        return "select";
      case code.localGet:
        stack.pushInPlace(this.#localType(index), this.#localOffsets[index] as number);
        return null;
      case code.localSet:
        return this.#setLocal(index);
      case code.localTee:
        return this.#teeLocal(index);
      case code.globalGet:
      case code.globalSet:
        return this.#global(instruction);
      case code.i32Const:
      case code.i64Const:
      case code.f32Const:
      case code.f64Const: {
        const type = opcode.pushes[0] as ValueType;
        const pool = cellsOf(type) === 2 ? this.#constants64 : this.#constants32;
        pool.add(instruction.constant ?? 0n);
        // Constants lie at negative offsets; which one makes no difference to a count.
        stack.pushInPlace(type, -1);
        return null;
      }
      default:
        this.#plain(instruction);
        return opcode.class;
    }
  }

  /** Loads, stores, arithmetic, bulk memory: label, immediates, operands, result. */
  #plain({ opcode }: Instruction): void {
    const stack = this.#stack;
    stack.bytes += emitted.label;
    if (opcode.immediate === "memoryArgument") stack.bytes += emitted.word;
    if (opcode.code >= 0xfc00) stack.bytes += emitted.byte;
    if (opcode.immediate === "memoryInit" || opcode.immediate === "dataSegment") stack.bytes += emitted.word;
    for (let index = opcode.pops.length - 1; index >= 0; index--) stack.pop(opcode.pops[index] as ValueType);
    for (const type of opcode.pushes) stack.push(type);
  }

  #call(index: number): OpcodeClass {
    const imported = index < this.module.imports.length;
    const type: FunctionType | undefined = imported
      ? this.module.imports[index]?.type
      : this.module.functions[index - this.module.imports.length]?.type;
    if (type === undefined) throw unsupported(`the function ${index}, which does not exist`);
    this.#stack.bytes += emitted.label + emitted.word;
    for (const parameter of [...type.parameters].reverse()) this.#stack.pop(parameter);
    for (const result of type.results) this.#stack.push(result);
    return imported ? "importCall" : "call";
  }

  #select(): void {
    const stack = this.#stack;
    stack.bytes += emitted.label;
    stack.pop("i32");
    const type = stack.top;
    if (type !== null) {
      stack.pop(type);
      stack.pop(type);
    }
    stack.push(type ?? "any");
  }

  #global({ opcode, index }: Instruction): OpcodeClass {
    const type = this.module.globals[index]?.type;
    if (type === undefined) throw unsupported(`the global ${index}, which does not exist`);
    this.#stack.bytes += emitted.label + emitted.word;
    if (opcode.code === code.globalGet) this.#stack.push(type);
    else this.#stack.pop(type);
    return "globalAccess";
  }

  #localType(index: number): ValueType {
    const type = this.#localTypes[index];
    if (type === undefined) throw unsupported(`the local ${index}, which does not exist`);
    return type;
  }

  #setLocal(index: number): OpcodeClass | null {
    const type = this.#localType(index);
    const offset = this.#localOffsets[index] as number;
    const preserved = this.#stack.preserve(offset, type);
    const short = offset < shortLocalCells;
    if (short && !preserved && foldsIntoSet(this.#previous)) {
      this.#stack.fold(type);
      return null;
    }
    this.#stack.bytes += emitted.label + (short ? emitted.byte : emitted.word);
    this.#stack.pop(type);
    return "copy";
  }

  #teeLocal(index: number): OpcodeClass {
    const type = this.#localType(index);
    const offset = this.#localOffsets[index] as number;
    this.#stack.tee(type);
    this.#stack.preserve(offset, type);
    const operand = offset < shortLocalCells ? emitted.byte : emitted.word;
    this.#stack.bytes += emitted.label + operand + emitted.offset;
    return "copy";
  }
}
