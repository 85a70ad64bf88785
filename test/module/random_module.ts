/**
 * Random modules of the ABI that always end: every control construct, values left on the stack across statements and
 * blocks (which is where WAMR's loader adds copies), dead code, calls, bulk memory. Written as bytes, so that shapes
 * occur that no optimiser would leave.
 */
import { ByteWriter } from "../../host/module/byte_writer.js";
import type { ValueType } from "../../host/module/opcodes.js";
import { buildModule, type FunctionSource, valueByte } from "./build_module.js";
import { Random } from "./random.js";

const memoryBytes = 4096;
const weightBytes = 64;
const types: readonly ValueType[] = ["i32", "i32", "i32", "i64", "i64", "f32", "f64"];

/** A module from a seed; `layer` adds calls of `wamlet.layer`. */
export function randomModule(seed: number, layer = false): Uint8Array {
  const random = new Random(seed);
  const functions: FunctionSource[] = [];
  const helpers = random.below(3);
  for (let index = 0; index <= helpers; index++) {
    const last = index === helpers;
    const parameters = last ? [] : Array.from({ length: random.below(4) }, () => random.pick(types));
    const results: ValueType[] = last ? ["i32"] : random.chance(80) ? [random.pick(types)] : [];
    functions.push(
      new FunctionWriter(random, functions, parameters, results, layer && last, layer ? 1 : 0).write(),
    );
  }
  const weights = Uint8Array.from({ length: weightBytes }, () => random.below(256));
  return buildModule({ functions, weights, heapBase: memoryBytes, layer });
}

class FunctionWriter {
  readonly #out = new ByteWriter();
  readonly #locals: ValueType[];
  /** Results that a jump to each open label carries; innermost last. */
  readonly #labels: { readonly result: ValueType | null; readonly loop: boolean }[] = [];
  #budget = 60;
  #loops = 0;

  constructor(
    readonly random: Random,
    readonly callable: readonly FunctionSource[],
    readonly parameters: readonly ValueType[],
    readonly results: readonly ValueType[],
    readonly layer: boolean,
    readonly imports: number,
  ) {
    this.#locals = Array.from({ length: 3 + random.below(5) }, () => random.pick(types));
    if (random.chance(10)) for (let index = 0; index < 130; index++) this.#locals.unshift("i64");
    // Three counters for loops, which nothing else sets.
    this.#locals.push("i32", "i32", "i32");
  }

  write(): FunctionSource {
    this.#labels.push({ result: this.results[0] ?? null, loop: false });
    this.#statements(4);
    if (this.results[0] !== undefined) this.#value(this.results[0], 3);
    this.#out.u8(0x0b);
    const { parameters, results } = this;
    return { parameters, results, locals: this.#locals, code: this.#out.finish() };
  }

  #op(...bytes: number[]): void {
    this.#out.raw(bytes);
  }

  #statements(most: number): void {
    for (let count = this.random.below(most + 1); count > 0; count--) this.#statement();
  }

  #statement(): void {
    const { random } = this;
    if (this.#budget-- <= 0) return;
    switch (random.below(15)) {
      case 0:
      case 1:
      case 2:
        this.#set();
        return;
      case 3:
        this.#store();
        return;
      case 4: {
        const otherwise = random.chance(50);
        this.#value("i32", 2);
        this.#op(0x04, 0x40);
        this.#inside(null, () => this.#statements(3));
        if (otherwise) {
          this.#op(0x05);
          this.#inside(null, () => this.#statements(3));
        }
        this.#op(0x0b);
        return;
      }
      case 5:
        this.#op(0x02, 0x40);
        this.#inside(null, () => {
          this.#statements(2);
          this.#value("i32", 2);
          this.#op(0x0d, 0);
          this.#statements(2);
        });
        this.#op(0x0b);
        return;
      case 6:
      case 7:
        this.#loop();
        return;
      case 8:
        this.#table();
        return;
      case 9:
        this.#value(random.pick(types), 2);
        this.#op(0x1a);
        return;
      case 10:
        this.#bulk();
        return;
      case 11:
        this.#jump();
        return;
      case 12:
        this.#value("i64", 2);
        this.#op(0x24, 2);
        return;
      case 13:
        if (this.layer) this.#op(0x41, random.below(8), 0x10, 0);
        this.#op(0x01);
        return;
      default:
        this.#set();
        return;
    }
  }

  #set(): void {
    const index = this.#settable();
    this.#value(this.#typeOf(index), 3);
    this.#out.u8(0x21).u32(index);
  }

  /** Any local or parameter but the loop counters. */
  #settable(): number {
    return this.random.below(this.parameters.length + this.#locals.length - 3);
  }

  #typeOf(index: number): ValueType {
    return [...this.parameters, ...this.#locals][index] as ValueType;
  }

  #inside(result: ValueType | null, write: () => void, loop = false): void {
    this.#labels.push({ result, loop });
    write();
    this.#labels.pop();
  }

  #loop(): void {
    if (this.#loops === 3) return;
    const counter = this.parameters.length + this.#locals.length - 1 - this.#loops++;
    const limit = 1 + this.random.below(4);
    const counts = (): void => {
      this.#out.u8(0x20).u32(counter).raw([0x41, 1, 0x6a]);
    };
    this.#op(0x41, 0);
    this.#out.u8(0x21).u32(counter);
    switch (this.random.below(3)) {
      case 0:
        // do … while
        this.#op(0x03, 0x40);
        this.#inside(null, () => this.#statements(3), true);
        counts();
        this.#out.u8(0x22).u32(counter).raw([0x41, limit, 0x48, 0x0d, 0, 0x0b]);
        break;
      case 1:
        // while, as AssemblyScript writes a `for`: the body in an if, ending with a jump back
        this.#op(0x03, 0x40);
        this.#out.u8(0x20).u32(counter).raw([0x41, limit, 0x48, 0x04, 0x40]);
        this.#labels.push({ result: null, loop: true });
        this.#inside(null, () => this.#statements(3));
        this.#labels.pop();
        counts();
        this.#out.u8(0x21).u32(counter).raw([0x0c, 1, 0x0b, 0x0b]);
        break;
      default:
        // while with a way out in front
        this.#op(0x02, 0x40, 0x03, 0x40);
        this.#out.u8(0x20).u32(counter).raw([0x41, limit, 0x4e, 0x0d, 1]);
        this.#labels.push({ result: null, loop: false });
        this.#inside(null, () => this.#statements(3), true);
        this.#labels.pop();
        counts();
        this.#out.u8(0x21).u32(counter).raw([0x0c, 0, 0x0b, 0x0b]);
    }
    this.#loops--;
  }

  /** Nested blocks and a br_table into them. */
  #table(): void {
    const blocks = 1 + this.random.below(3);
    for (let index = 0; index < blocks; index++) {
      this.#op(0x02, 0x40);
      this.#labels.push({ result: null, loop: false });
    }
    this.#value("i32", 2);
    const targets = Array.from({ length: this.random.below(5) }, () => this.random.below(blocks));
    this.#out.u8(0x0e).u32(targets.length).raw(targets).u8(this.random.below(blocks));
    for (let index = 0; index < blocks; index++) {
      this.#op(0x0b);
      this.#labels.pop();
      this.#statements(2);
    }
  }

  /** A jump out, now and then unconditional with dead code behind; never back, so that everything ends. */
  #jump(): void {
    const open = this.#labels.map((label, index) => ({ ...label, depth: this.#labels.length - 1 - index }));
    const target = this.random.pick(open.filter((label) => !label.loop));
    if (target === undefined) return;
    const conditional = this.random.chance(60);
    if (!conditional) {
      this.#value("i32", 1);
      this.#op(0x04, 0x40);
      this.#labels.push({ result: null, loop: false });
    }
    if (target.result !== null) this.#value(target.result, 2);
    if (conditional) {
      this.#value("i32", 1);
      this.#op(0x0d, target.depth);
      if (target.result !== null) this.#op(0x1a);
    } else {
      const functionLabel = target.depth === this.#labels.length - 2;
      if (functionLabel && this.random.chance(50)) this.#op(0x0f);
      else this.#op(0x0c, target.depth + 1);
      if (this.random.chance(30)) this.#statements(2);
      if (this.random.chance(20)) this.#op(0x6a, 0x1a);
      this.#labels.pop();
      this.#op(0x0b);
    }
  }

  #address(): void {
    this.#value("i32", 1);
    this.#op(0x41, ...[0xf8, 0x0f], 0x71); // & 2040
  }

  #store(): void {
    this.#address();
    const type = this.random.pick(types);
    this.#value(type, 2);
    const store = { i32: [0x36, 2], i64: [0x37, 3], f32: [0x38, 2], f64: [0x39, 3] }[type];
    this.#op(...store, 8);
  }

  #bulk(): void {
    const { random } = this;
    const start = random.below(3);
    this.#address();
    if (start === 0) {
      this.#op(0x41, random.below(32), 0x41, random.below(32), 0xfc, 8, 0, 0);
    } else if (start === 1) {
      this.#address();
      this.#value("i32", 1);
      this.#op(0x41, 63, 0x71, 0xfc, 10, 0, 0);
    } else {
      this.#value("i32", 1);
      this.#value("i32", 1);
      this.#op(0x41, 63, 0x71, 0xfc, 11, 0);
    }
  }

  #value(type: ValueType, depth: number): void {
    const { random } = this;
    if (depth <= 0 || this.#budget <= 0) {
      this.#leaf(type);
      return;
    }
    this.#budget--;
    switch (random.below(12)) {
      case 0:
      case 1:
        this.#leaf(type);
        return;
      case 2: {
        const found = [...this.parameters, ...this.#locals]
          .slice(0, -3)
          .map((local, index) => ({ local, index }))
          .filter(({ local }) => local === type);
        if (found.length === 0) {
          this.#leaf(type);
          return;
        }
        this.#value(type, depth - 1);
        this.#out.u8(0x22).u32(random.pick(found).index);
        return;
      }
      case 3: {
        // A block with a result, and a way out that carries one.
        this.#op(0x02, valueByte[type]);
        this.#inside(type, () => {
          this.#statements(2);
          this.#value(type, depth - 1);
          if (random.chance(50)) {
            this.#value("i32", depth - 1);
            this.#op(0x0d, 0);
            if (random.chance(50)) {
              this.#op(0x1a);
              this.#value(type, depth - 1);
            }
          }
        });
        this.#op(0x0b);
        return;
      }
      case 4: {
        this.#value("i32", depth - 1);
        this.#op(0x04, valueByte[type]);
        this.#inside(type, () => {
          this.#statements(1);
          this.#value(type, depth - 1);
        });
        this.#op(0x05);
        this.#inside(type, () => {
          this.#statements(1);
          this.#value(type, depth - 1);
        });
        this.#op(0x0b);
        return;
      }
      case 5: {
        this.#value(type, depth - 1);
        this.#value(type, depth - 1);
        this.#value("i32", depth - 1);
        this.#op(0x1b);
        return;
      }
      case 6: {
        const found = this.callable
          .map((source, index) => ({ source, index }))
          .filter(({ source }) => source.results[0] === type);
        if (found.length === 0 || this.#loops > 1) {
          this.#leaf(type);
          return;
        }
        const { source, index } = random.pick(found);
        for (const parameter of source.parameters) this.#value(parameter, depth - 1);
        this.#op(0x10, index + this.imports);
        return;
      }
      case 7: {
        this.#op(0x03, valueByte[type]);
        this.#inside(
          type,
          () => {
            this.#statements(1);
            this.#value(type, depth - 1);
          },
          true,
        );
        this.#op(0x0b);
        return;
      }
      default:
        this.#operation(type, depth);
        return;
    }
  }

  /** An operation whose operands may have statements between them. */
  #operation(type: ValueType, depth: number): void {
    const { random } = this;
    const binary: Readonly<Record<ValueType, readonly number[]>> = {
      i32: [0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x75],
      i64: [0x7c, 0x7d, 0x7e, 0x83, 0x84, 0x85, 0x87],
      f32: [0x92, 0x93, 0x94, 0x96],
      f64: [0xa0, 0xa1, 0xa2],
    };
    const from: Readonly<Record<ValueType, readonly [ValueType, readonly number[]][]>> = {
      i32: [
        ["i32", [0x45]],
        ["i32", [0xc0]],
        ["i32", [0xc1]],
        ["i64", [0xa7]],
        ["i64", [0x50]],
        ["f32", [0xfc, 0]],
      ],
      i64: [
        ["i32", [0xac]],
        ["i32", [0xad]],
        ["i64", [0xc4]],
        ["f64", [0xfc, 6]],
      ],
      f32: [
        ["i32", [0xb2]],
        ["f32", [0x8c]],
        ["f64", [0xb6]],
      ],
      f64: [
        ["i32", [0xb7]],
        ["f32", [0xbb]],
      ],
    };
    switch (random.below(5)) {
      case 0: {
        const [source, bytes] = random.pick(from[type]);
        this.#value(source, depth - 1);
        this.#op(...bytes);
        return;
      }
      case 1: {
        this.#address();
        const loads = {
          i32: [0x28, 0x2c, 0x2d, 0x2e, 0x2f],
          i64: [0x29, 0x30, 0x34],
          f32: [0x2a],
          f64: [0x2b],
        };
        this.#op(random.pick(loads[type]), 0, 16);
        return;
      }
      case 2:
        if (type === "i64") {
          this.#op(0x23, 2);
          return;
        }
        if (type === "i32") {
          this.#value("i64", depth - 1);
          this.#value("i64", depth - 1);
          this.#op(0x51 + random.below(10));
          return;
        }
        this.#leaf(type);
        return;
      default:
        this.#value(type, depth - 1);
        if (random.chance(40)) this.#statements(2);
        this.#value(type, depth - 1);
        this.#op(random.pick(binary[type]));
    }
  }

  #leaf(type: ValueType): void {
    const { random } = this;
    const found = [...this.parameters, ...this.#locals]
      .map((local, index) => ({ local, index }))
      .filter(({ local }) => local === type);
    if (found.length > 0 && random.chance(65)) {
      this.#out.u8(0x20).u32(random.pick(found).index);
      return;
    }
    const small = random.below(7) - 1;
    if (type === "i32") this.#out.u8(0x41).s64(BigInt(small));
    else if (type === "i64") this.#out.u8(0x42).s64(BigInt(small));
    else if (type === "f32") this.#out.u8(0x43).raw(new Uint8Array(Float32Array.of(small).buffer));
    else this.#out.u8(0x44).raw(new Uint8Array(Float64Array.of(small).buffer));
  }
}
