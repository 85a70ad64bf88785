/**
 * What WAMR's fast interpreter makes of a function. Its loader turns Wasm into register code before it runs: some
 * opcodes vanish, and copies appear that are in no file. This is the loader's bookkeeping of stack slots, followed
 * step by step (`core/iwasm/interpreter/wasm_loader.c`, functions named below, main of 2026-07), so that opcodes are
 * counted and sizes known as a board has them. The rules in words are in docs/MODULE.md, chapter Counting.
 */
import type { Instruction } from "./code_reader.js";
import { unsupported } from "./code_reader.js";
import type { CoreModule, FunctionType, ModuleFunction } from "./core_module.js";
import type { OpcodeClass } from "./opcode_class.js";
import { code, type ValueType } from "./opcodes.js";

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
  /** Bytes of register code on a 32-bit target with 4-byte labels. */
  readonly compiledBytes: number;
  /** Cells of 4 bytes: a frame holds constants, parameters, locals and stack. */
  readonly constantCells: number;
  readonly localCells: number;
  readonly stackCells: number;
}

type StackType = ValueType | "any";

interface Block {
  readonly kind: "function" | "block" | "loop" | "if";
  readonly result: ValueType | null;
  /** Depth of the stack and next free slot at the block's start. */
  readonly stackCells: number;
  readonly dynamicOffset: number;
  hasElse: boolean;
  polymorphic: boolean;
}

const labelBytes = 4;
const pointerBytes = 4;
const offsetBytes = 2;
/** A byte takes two, so that what follows stays aligned. */
const byteBytes = 2;
const wordBytes = 4;
/** `local.set` and `local.tee` have their short forms up to this cell. */
const shortLocalCells = 256;
/** Slots are 16-bit offsets. */
const mostCells = 32000;
/** Deeper operand stacks are refused: the loader's search through the stack would make a hostile file slow to read. */
const deepestStack = 1024;
/** Where a preserved local lies in the loader's first pass: beyond every slot. */
const preservedSlot = 32767;

const cellsOf = (type: StackType): number => (type === "i64" || type === "f64" ? 2 : 1);

/**
 * Opcodes into whose result slot a following `local.set` folds (macros LAST_OP_OUTPUT_I32 and LAST_OP_OUTPUT_I64):
 * comparisons, arithmetic, conversions and reinterpretations, loads; not sign extension, select, call, tee.
 */
function foldsIntoSet(value: number): boolean {
  return (value >= 0x45 && value <= 0xbf) || (value >= 0x28 && value <= 0x35);
}

/**
 * Follows the loader through one function.
 * @throws WamletError WAMLET_UNSUPPORTED_MODULE for more slots or constants than WAMR can address
 */
export function translateFunction(module: CoreModule, body: ModuleFunction): TranslatedFunction {
  return new Translation(module, body).run();
}

class Translation {
  /** Offset of each local, in cells, and the locals' types. */
  readonly #localOffsets: number[] = [];
  readonly #localTypes: readonly ValueType[];
  readonly #localCells: number;
  // The loader's frame_ref and frame_offset stacks: per cell a type and the slot that holds it.
  readonly #types: StackType[] = [];
  readonly #slots: number[] = [];
  #typeCount = 0;
  #slotCount = 0;
  #dynamicOffset: number;
  #maximumOffset: number;
  #preservedCells = 0;
  #bytes = 0;
  #copies = 0;
  #previous = -1;
  readonly #blocks: Block[] = [];
  readonly #constants32 = new Set<bigint>();
  readonly #constants64 = new Set<bigint>();

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
    this.#localCells = cells;
    this.#dynamicOffset = cells;
    this.#maximumOffset = cells;
  }

  run(): TranslatedFunction {
    this.#pushBlock("function", this.body.type.results[0] ?? null);
    const executed = this.body.instructions.map((instruction) => {
      this.#copies = 0;
      const opcodeClass = this.#translate(instruction);
      this.#previous = instruction.opcode.code;
      return { copies: this.#copies, class: opcodeClass };
    });
    const constantCells = this.#constants64.size * 2 + this.#constants32.size;
    // The loader ends its second pass with the preserved locals above the highest slot of the first.
    const stackCells = this.#maximumOffset + this.#preservedCells - this.#localCells + 1;
    if (this.#maximumOffset + this.#preservedCells > mostCells || constantCells > mostCells) {
      throw unsupported("a function with more stack slots or constants than WAMR can address");
    }
    return { executed, compiledBytes: this.#bytes, constantCells, localCells: this.#localCells, stackCells };
  }

  get #block(): Block {
    const block = this.#blocks.at(-1);
    if (block === undefined) throw unsupported("code behind the end of a function");
    return block;
  }

  #pushBlock(kind: Block["kind"], result: ValueType | null): void {
    this.#blocks.push({
      kind,
      result,
      stackCells: this.#typeCount,
      dynamicOffset: this.#dynamicOffset,
      hasElse: false,
      polymorphic: false,
    });
  }

  #translate(instruction: Instruction): OpcodeClass | null {
    const { opcode, index } = instruction;
    switch (opcode.code) {
      case code.nop:
        return null;
      case code.unreachable:
        this.#bytes += labelBytes;
        this.#leave();
        return null;
      case code.block:
      case code.loop:
        this.#preserveAll();
        this.#pushBlock(opcode.code === code.loop ? "loop" : "block", instruction.result);
        return null;
      case code.if:
        // The condition is still on the stack here: a local that is the condition is copied, too.
        this.#preserveAll();
        this.#pop("i32");
        this.#bytes += labelBytes + 2 * pointerBytes;
        this.#pushBlock("if", instruction.result);
        return null;
      case code.else:
        this.#else();
        return null;
      case code.end:
        this.#end();
        return null;
      case code.br:
        this.#bytes += labelBytes;
        this.#branch(index, "br");
        this.#leave();
        return null;
      case code.brIf:
        this.#bytes += labelBytes;
        this.#pop("i32");
        this.#branch(index, "br_if");
        return null;
      case code.brTable:
        this.#bytes += labelBytes + wordBytes;
        this.#pop("i32");
        for (const label of instruction.labels) this.#branch(label, "br_table");
        this.#leave();
        return "branchTable";
      case code.return:
        this.#bytes += labelBytes;
        for (const type of this.body.type.results) this.#pop(type);
        this.#leave();
        return null;
      case code.call:
        return this.#call(index);
      case code.callIndirect:
        throw unsupported("call_indirect");
      case code.drop:
        this.#drop();
        return null;
      case code.select:
        this.#select();
        return "select";
      case code.localGet: {
        const type = this.#localType(index);
        this.#pushType(type);
        this.#pushSlot(type, this.#localOffsets[index] as number);
        return null;
      }
      case code.localSet:
        return this.#setLocal(index);
      case code.localTee:
        return this.#teeLocal(index);
      case code.globalGet:
      case code.globalSet: {
        const type = this.module.globals[index]?.type;
        if (type === undefined) throw unsupported(`the global ${index}, which does not exist`);
        this.#bytes += labelBytes + wordBytes;
        if (opcode.code === code.globalGet) this.#push(type);
        else this.#pop(type);
        return "globalAccess";
      }
      case code.i32Const:
      case code.i64Const:
      case code.f32Const:
      case code.f64Const: {
        const type = opcode.pushes[0] as ValueType;
        const pool = cellsOf(type) === 2 ? this.#constants64 : this.#constants32;
        pool.add(instruction.constant ?? 0n);
        this.#pushType(type);
        // Constants lie at negative offsets; which one makes no difference to a count.
        this.#pushSlot(type, -1);
        return null;
      }
      default:
        this.#plain(instruction);
        return opcode.class;
    }
  }

  /** Loads, stores, arithmetic, bulk memory: label, immediates, operands, result. */
  #plain({ opcode }: Instruction): void {
    this.#bytes += labelBytes;
    if (opcode.immediate === "memoryArgument") this.#bytes += wordBytes;
    if (opcode.code >= 0xfc00) this.#bytes += byteBytes;
    if (opcode.immediate === "memoryInit" || opcode.immediate === "dataSegment") this.#bytes += wordBytes;
    for (let index = opcode.pops.length - 1; index >= 0; index--) this.#pop(opcode.pops[index] as ValueType);
    for (const type of opcode.pushes) this.#push(type);
  }

  #call(index: number): OpcodeClass {
    const imported = index < this.module.imports.length;
    const type: FunctionType | undefined = imported
      ? this.module.imports[index]?.type
      : this.module.functions[index - this.module.imports.length]?.type;
    if (type === undefined) throw unsupported(`the function ${index}, which does not exist`);
    this.#bytes += labelBytes + wordBytes;
    for (let at = type.parameters.length - 1; at >= 0; at--) this.#pop(type.parameters[at] as ValueType);
    for (const result of type.results) this.#push(result);
    return imported ? "importCall" : "call";
  }

  /** A drop costs nothing. */
  #drop(): void {
    if (this.#typeCount <= this.#block.stackCells) return;
    const cells = cellsOf(this.#types[this.#typeCount - 1] as StackType);
    this.#typeCount -= cells;
    this.#slotCount -= cells;
    const slot = this.#slots[this.#slotCount] as number;
    if (slot > this.#localCells && slot < this.#maximumOffset) this.#dynamicOffset -= cells;
  }

  #select(): void {
    this.#bytes += labelBytes;
    this.#pop("i32");
    if (this.#typeCount <= this.#block.stackCells) {
      this.#push("any");
      return;
    }
    const type = this.#types[this.#typeCount - 1] as StackType;
    this.#pop(type);
    this.#pop(type);
    this.#push(type);
  }

  #localType(index: number): ValueType {
    const type = this.#localTypes[index];
    if (type === undefined) throw unsupported(`the local ${index}, which does not exist`);
    return type;
  }

  #setLocal(index: number): OpcodeClass | null {
    const type = this.#localType(index);
    const offset = this.#localOffsets[index] as number;
    const preserved = this.#preserve(offset, type);
    const short = offset < shortLocalCells;
    if (short && !preserved && foldsIntoSet(this.#previous)) {
      // The previous opcode writes into the local itself.
      const cells = cellsOf(type);
      this.#slotCount -= cells;
      this.#dynamicOffset -= cells;
      this.#popType(type);
      return null;
    }
    this.#bytes += labelBytes + (short ? byteBytes : wordBytes);
    this.#pop(type);
    return "copy";
  }

  #teeLocal(index: number): OpcodeClass {
    const type = this.#localType(index);
    const offset = this.#localOffsets[index] as number;
    if (this.#block.polymorphic) {
      this.#popSlot(type);
      this.#pushSlot(type);
    }
    this.#popType(type);
    this.#pushType(type);
    this.#preserve(offset, type);
    this.#bytes += labelBytes + (offset < shortLocalCells ? byteBytes : wordBytes) + offsetBytes;
    return "copy";
  }

  /**
   * preserve_referenced_local: where the stack still refers to a local that is about to change, its value is first
   * copied to a slot of its own.
   */
  #preserve(local: number, type: StackType): boolean {
    let preserved = false;
    for (let cell = 0; cell < this.#typeCount; cell += cellsOf(this.#types[cell] as StackType)) {
      if (this.#slots[cell] !== local) continue;
      if (!preserved) {
        preserved = true;
        this.#preservedCells += cellsOf(type);
        this.#copy();
      }
      this.#slots[cell] = preservedSlot;
    }
    return preserved;
  }

  /** preserve_local_for_block: before a block every local on the stack is copied, since the block may change it. */
  #preserveAll(): void {
    for (let cell = 0; cell < this.#typeCount; ) {
      const slot = this.#slots[cell] as number;
      const type = this.#types[cell] as StackType;
      if (slot >= 0 && slot < this.#localCells) this.#preserve(slot, type);
      cell += cellsOf(type);
    }
  }

  #copy(): void {
    this.#copies++;
    this.#bytes += labelBytes + 2 * offsetBytes;
  }

  #else(): void {
    const block = this.#block;
    this.#checkBlockStack(block);
    this.#reserveResult(block, true);
    this.#bytes += labelBytes + pointerBytes;
    block.hasElse = true;
    block.polymorphic = false;
    this.#resetStack(block);
    this.#dynamicOffset = block.dynamicOffset;
  }

  #end(): void {
    const block = this.#block;
    this.#checkBlockStack(block);
    if (block.kind === "if" && !block.hasElse) {
      // The loader writes an else where there is none: the then branch ends with its jump.
      this.#else();
      this.#checkBlockStack(block);
    }
    this.#blocks.pop();
    this.#reserveResult(block, false);
    if (block.kind === "function") {
      this.#bytes += labelBytes + offsetBytes * this.body.type.results.length;
    }
  }

  /** reserve_block_ret: a block's result must lie in the block's first slot; where it does not, it is copied. */
  #reserveResult(block: Block, atElse: boolean): void {
    if (block.result === null) return;
    const cells = cellsOf(block.result);
    if (this.#slots[this.#slotCount - cells] === block.dynamicOffset) return;
    this.#copy();
    if (atElse) {
      this.#slots[this.#slotCount - cells] = block.dynamicOffset;
    } else {
      this.#slotCount -= cells;
      this.#dynamicOffset = block.dynamicOffset;
      this.#pushSlot(block.result);
      this.#bytes -= offsetBytes;
    }
  }

  /** check_block_stack: behind a jump the results are popped as far as they are there, and pushed anew. */
  #checkBlockStack(block: Block): void {
    if (!block.polymorphic || block.result === null) return;
    this.#pop(block.result);
    this.#pushSlot(block.result, 0);
    this.#pushType(block.result);
  }

  /** wasm_loader_check_br and wasm_loader_emit_br_info. */
  #branch(label: number, kind: "br" | "br_if" | "br_table"): void {
    const target = this.#blocks[this.#blocks.length - 1 - label];
    if (target === undefined) throw unsupported(`the label ${label}, which does not exist`);
    const result = target.kind === "loop" ? null : target.result;
    this.#bytes += wordBytes + pointerBytes;
    if (result === null) return;
    if (this.#block.polymorphic) {
      const before = { types: this.#typeCount, slots: this.#slotCount };
      const cells = cellsOf(result);
      const lastTypes = this.#types.slice(Math.max(0, before.types - cells), before.types);
      const lastSlots = this.#slots.slice(Math.max(0, before.slots - cells), before.slots);
      this.#pop(result);
      this.#pushSlot(result, 0);
      this.#pushType(result);
      if (kind === "br_table") {
        lastTypes.forEach((type, at) => {
          this.#types[before.types - lastTypes.length + at] = type;
        });
        lastSlots.forEach((slot, at) => {
          this.#slots[before.slots - lastSlots.length + at] = slot;
        });
        this.#typeCount = before.types;
        this.#slotCount = before.slots;
      }
    }
    this.#bytes += wordBytes + byteBytes + 2 * offsetBytes;
    if (kind === "br") this.#dynamicOffset = target.dynamicOffset + cellsOf(result);
  }

  /** What follows a jump is never executed: the stack becomes polymorphic. */
  #leave(): void {
    const block = this.#block;
    this.#resetStack(block);
    block.polymorphic = true;
  }

  #resetStack(block: Block): void {
    this.#typeCount = block.stackCells;
    this.#slotCount = block.stackCells;
  }

  #push(type: StackType): void {
    this.#pushSlot(type);
    this.#pushType(type);
  }

  #pop(type: StackType): void {
    this.#popSlot(type);
    this.#popType(type);
  }

  #pushType(type: StackType): void {
    for (let cells = cellsOf(type); cells > 0; cells--) this.#types[this.#typeCount++] = type;
    if (this.#typeCount > deepestStack)
      throw unsupported(`an operand stack deeper than ${deepestStack} cells`);
  }

  /** wasm_loader_push_frame_offset: to the next free slot, or silently to a slot that holds the value already. */
  #pushSlot(type: StackType, slot?: number): void {
    const cells = cellsOf(type);
    this.#slots[this.#slotCount] = slot ?? this.#dynamicOffset;
    this.#slotCount += cells;
    if (slot !== undefined) return;
    this.#bytes += offsetBytes;
    this.#dynamicOffset += cells;
    this.#maximumOffset = Math.max(this.#maximumOffset, this.#dynamicOffset);
  }

  #popType(type: StackType): void {
    const block = this.#block;
    if (this.#typeCount <= block.stackCells && block.polymorphic) return;
    this.#typeCount -= this.#types[this.#typeCount - 1] === "any" ? 1 : cellsOf(type);
  }

  /**
   * wasm_loader_pop_frame_offset. The first slot behind the locals is never given back (`>`, not `>=`): that is
   * WAMR's way, and it decides whether a block's result needs a copy.
   */
  #popSlot(type: StackType): void {
    const block = this.#block;
    const available = this.#typeCount - block.stackCells;
    if (available <= 0 && block.polymorphic) return;
    const cells = available > 0 && this.#types[this.#typeCount - 1] === "any" ? 1 : cellsOf(type);
    if (this.#slotCount < cells) return;
    this.#slotCount -= cells;
    const slot = this.#slots[this.#slotCount] as number;
    if (this.#dynamicOffset >= cells && slot > this.#localCells && slot < this.#maximumOffset) {
      this.#dynamicOffset -= cells;
    }
    this.#bytes += offsetBytes;
  }
}
