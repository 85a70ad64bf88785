/**
 * The operand stack as WAMR's fast-interpreter loader keeps it: for each value the slot of the frame that holds it.
 * A local or constant on the stack stays where it is; a result gets the next free slot. The methods follow functions
 * of `core/iwasm/interpreter/wasm_loader.c`, which their comments name, down to their quirks: those decide where copies
 * are executed.
 */
import { unsupported } from "./code_reader.js";
import type { ValueType } from "./opcodes.js";

/** `any` is what dead code leaves on the stack. */
export type StackType = ValueType | "any";

export interface Block {
  readonly kind: "function" | "block" | "loop" | "if";
  readonly result: ValueType | null;
  /** Depth of the stack and next free slot at the block's start. */
  readonly stackCells: number;
  readonly dynamicOffset: number;
  hasElse: boolean;
  /** Behind a jump: what follows is never executed, and pops from an empty stack are allowed. */
  polymorphic: boolean;
}

/** Sizes of register code on a 32-bit target that must align what it reads. */
export const emitted = { label: 4, pointer: 4, word: 4, offset: 2, byte: 2 } as const;

/** Slots are 16-bit offsets. */
export const mostCells = 32000;
/** Deeper stacks are refused: searching through them would make a hostile file slow to read. */
const deepestStack = 1024;
/** Where a preserved local lies in the loader's first pass: beyond every slot. */
const preservedSlot = 32767;

/** Cells of 4 bytes that a value takes. */
export const cellsOf = (type: StackType): number => (type === "i64" || type === "f64" ? 2 : 1);

export class SlotStack {
  /** Bytes of register code emitted so far. */
  bytes = 0;
  /** Copies emitted for the current instruction. */
  copies = 0;
  // frame_ref and frame_offset: per cell a type, and per value (at its first cell) a slot.
  readonly #types: StackType[] = [];
  readonly #slots: number[] = [];
  #typeCount = 0;
  #slotCount = 0;
  /** Next free slot, and the highest that was ever next. */
  #dynamicOffset: number;
  #maximumOffset: number;
  #preservedCells = 0;
  readonly #blocks: Block[] = [];

  /** @param localCells cells of parameters and locals; the slots behind them are the stack's */
  constructor(readonly localCells: number) {
    this.#dynamicOffset = localCells;
    this.#maximumOffset = localCells;
  }

  /** max_stack_cell_num: slots of the stack, and above them those of preserved locals. */
  get stackCells(): number {
    return this.#maximumOffset + this.#preservedCells - this.localCells + 1;
  }

  /** The innermost open block. */
  get block(): Block {
    const block = this.#blocks.at(-1);
    if (block === undefined) throw unsupported("code behind the end of a function");
    return block;
  }

  /** The block that a label names. */
  blockAt(label: number): Block {
    const block = this.#blocks[this.#blocks.length - 1 - label];
    if (block === undefined) throw unsupported(`the label ${label}, which does not exist`);
    return block;
  }

  /** wasm_loader_push_frame_csp */
  open(kind: Block["kind"], result: ValueType | null): void {
    this.#blocks.push({
      kind,
      result,
      stackCells: this.#typeCount,
      dynamicOffset: this.#dynamicOffset,
      hasElse: false,
      polymorphic: false,
    });
  }

  /** Type on top of the stack; null where the block has put nothing there. */
  get top(): StackType | null {
    return this.#typeCount <= this.block.stackCells ? null : (this.#types[this.#typeCount - 1] as StackType);
  }

  /** A result: gets the next free slot. */
  push(type: StackType): void {
    this.#pushSlot(type);
    this.#pushType(type);
  }

  /** A local or constant: stays in the slot where it is. */
  pushInPlace(type: StackType, slot: number): void {
    this.#pushType(type);
    this.#pushSlot(type, slot);
  }

  pop(type: StackType): void {
    this.#popSlot(type);
    this.#popType(type);
  }

  /** A value goes, and nothing is executed. */
  drop(): void {
    const type = this.top;
    if (type === null) return;
    const cells = cellsOf(type);
    this.#typeCount -= cells;
    this.#slotCount -= cells;
    this.#release(cells);
  }

  /** The top value is written by its own opcode into a local, so it never takes a slot. */
  fold(type: ValueType): void {
    const cells = cellsOf(type);
    this.#slotCount -= cells;
    this.#dynamicOffset -= cells;
    this.#popType(type);
  }

  /** The stack's part of a local.tee: the value stays where it is. */
  tee(type: ValueType): void {
    if (this.block.polymorphic) {
      this.#popSlot(type);
      this.#pushSlot(type);
    }
    this.#popType(type);
    this.#pushType(type);
  }

  /**
   * preserve_referenced_local: where the stack still refers to a local that is about to change, its value is first
   * copied to a slot of its own.
   * @returns whether it was
   */
  preserve(local: number, type: StackType): boolean {
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
  preserveAll(): void {
    for (let cell = 0; cell < this.#typeCount; ) {
      const slot = this.#slots[cell] as number;
      const type = this.#types[cell] as StackType;
      if (slot >= 0 && slot < this.localCells) this.preserve(slot, type);
      cell += cellsOf(type);
    }
  }

  /** The else of the innermost block, which the loader writes even where the file has none. */
  else(): void {
    const { block } = this;
    this.#checkResult(block);
    this.#reserveResult(block, true);
    this.bytes += emitted.label + emitted.pointer;
    block.hasElse = true;
    block.polymorphic = false;
    this.#reset(block);
    this.#dynamicOffset = block.dynamicOffset;
  }

  /** The end of the innermost block. @returns the block */
  close(): Block {
    const { block } = this;
    this.#checkResult(block);
    if (block.kind === "if" && !block.hasElse) {
      this.else();
      this.#checkResult(block);
    }
    this.#blocks.pop();
    this.#reserveResult(block, false);
    return block;
  }

  /** What follows is never executed. */
  leave(): void {
    this.#reset(this.block);
    this.block.polymorphic = true;
  }

  /** wasm_loader_check_br and wasm_loader_emit_br_info: a jump copies the result itself, without an opcode. */
  branch(label: number, kind: "br" | "br_if" | "br_table"): void {
    const target = this.blockAt(label);
    const result = target.kind === "loop" ? null : target.result;
    this.bytes += emitted.word + emitted.pointer;
    if (result === null) return;
    const cells = cellsOf(result);
    if (this.block.polymorphic) {
      const [typeCount, slotCount] = [this.#typeCount, this.#slotCount];
      const types = this.#types.slice(Math.max(0, typeCount - cells), typeCount);
      const slots = this.#slots.slice(Math.max(0, slotCount - cells), slotCount);
      this.#refill(result);
      if (kind === "br_table") {
        // The other targets see the stack as it was.
        this.#types.splice(typeCount - types.length, types.length, ...types);
        this.#slots.splice(slotCount - slots.length, slots.length, ...slots);
        this.#typeCount = typeCount;
        this.#slotCount = slotCount;
      }
    }
    this.bytes += emitted.word + emitted.byte + 2 * emitted.offset;
    if (kind === "br") this.#dynamicOffset = target.dynamicOffset + cells;
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
      this.bytes -= emitted.offset;
    }
  }

  /** check_block_stack, for dead code: the result is popped as far as it is there, and pushed anew. */
  #checkResult(block: Block): void {
    if (block.polymorphic && block.result !== null) this.#refill(block.result);
  }

  #refill(result: ValueType): void {
    this.pop(result);
    this.#pushSlot(result, 0);
    this.#pushType(result);
  }

  #copy(): void {
    this.copies++;
    this.bytes += emitted.label + 2 * emitted.offset;
  }

  /** RESET_STACK */
  #reset(block: Block): void {
    this.#typeCount = block.stackCells;
    this.#slotCount = block.stackCells;
  }

  #pushType(type: StackType): void {
    for (let cells = cellsOf(type); cells > 0; cells--) this.#types[this.#typeCount++] = type;
    if (this.#typeCount > deepestStack)
      throw unsupported(`an operand stack deeper than ${deepestStack} cells`);
  }

  /** wasm_loader_push_frame_offset */
  #pushSlot(type: StackType, slot?: number): void {
    const cells = cellsOf(type);
    this.#slots[this.#slotCount] = slot ?? this.#dynamicOffset;
    this.#slotCount += cells;
    if (slot !== undefined) return;
    this.bytes += emitted.offset;
    this.#dynamicOffset += cells;
    this.#maximumOffset = Math.max(this.#maximumOffset, this.#dynamicOffset);
  }

  /** wasm_loader_pop_frame_ref */
  #popType(type: StackType): void {
    const { block } = this;
    if (this.#typeCount <= block.stackCells && block.polymorphic) return;
    this.#typeCount -= this.#types[this.#typeCount - 1] === "any" ? 1 : cellsOf(type);
  }

  /** wasm_loader_pop_frame_offset */
  #popSlot(type: StackType): void {
    const { block } = this;
    const available = this.#typeCount - block.stackCells;
    if (available <= 0 && block.polymorphic) return;
    const cells = available > 0 && this.#types[this.#typeCount - 1] === "any" ? 1 : cellsOf(type);
    if (this.#slotCount < cells) return;
    this.#slotCount -= cells;
    if (this.#dynamicOffset >= cells) this.#release(cells);
    this.bytes += emitted.offset;
  }

  /** Gives a popped slot back. The first one behind the locals never is (`>`, not `>=`): that is WAMR's way. */
  #release(cells: number): void {
    const slot = this.#slots[this.#slotCount] as number;
    if (slot > this.localCells && slot < this.#maximumOffset) this.#dynamicOffset -= cells;
  }
}
