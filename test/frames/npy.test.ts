import { describe, expect, it } from "vitest";
import { encodeNpy, encodeNpyAnswers, encodeRawAnswers } from "../../host/frames/npy_writer.js";
import { dequantise } from "../../host/frames/quantise.js";
import { readFrames } from "../../host/frames/read_frames.js";
import { npyFile, npyLiteral, refusal, tensorOf } from "./material.js";

const int8 = tensorOf("int8", [1, 2, 2, 1], 0.5, -1);

/** Four numbers in an element type, as `array.tobytes()` would give them. */
function numbers(code: string, values: readonly number[], little = true): Uint8Array {
  const size = Number(code.slice(1));
  const view = new DataView(new ArrayBuffer(values.length * size));
  for (const [index, value] of values.entries()) {
    const at = index * size;
    if (code === "f4") view.setFloat32(at, value, little);
    else if (code === "f8") view.setFloat64(at, value, little);
    else if (code === "i8") view.setBigInt64(at, BigInt(value), little);
    else if (code === "i4" || code === "u4") view.setInt32(at, value, little);
    else if (code === "i2" || code === "u2") view.setInt16(at, value, little);
    else view.setUint8(at, value);
  }
  return new Uint8Array(view.buffer);
}

describe("NPY frames", () => {
  it.each(["f4", "f8", "i2", "i4", "i8", "u1", "u2", "u4"])(
    "takes %s in either byte order as real values",
    async (code) => {
      for (const order of ["<", ">"]) {
        const data = numbers(code, [0, 1, 2, 3], order === "<");
        const frames = await readFrames(npyFile(npyLiteral(`${order}${code}`, [1, 2, 2, 1]), data), [int8]);
        expect(frames.values).toBe("real");
        expect(frames.count).toBe(1);
        expect(Array.from(frames.frame(0).inputs[0] ?? [])).toEqual([255, 1, 3, 5]);
      }
    },
  );

  it("takes bool as 0 and 1", async () => {
    const file = npyFile(npyLiteral("|b1", [2, 2]), numbers("b1", [0, 1, 1, 0]));
    const frames = await readFrames(file, [int8]);
    expect(Array.from(frames.frame(0).inputs[0] ?? [])).toEqual([255, 1, 1, 255]);
  });

  it("takes the tensor's own integer type as quantised already", async () => {
    const frames = await readFrames(npyFile(npyLiteral("|i1", [2, 2]), numbers("i1", [0, 1, 2, 253])), [
      int8,
    ]);
    expect(frames.values).toBe("quantised");
    expect(Array.from(frames.frame(0).inputs[0] ?? [])).toEqual([0, 1, 2, 253]);
  });

  it("takes them as real values where that is said, and real types as codes where that is said", async () => {
    const own = npyFile(npyLiteral("|i1", [2, 2]), numbers("i1", [0, 1, 2, 3]));
    const real = await readFrames(own, [int8], { values: "real" });
    expect(Array.from(real.frame(0).inputs[0] ?? [])).toEqual([255, 1, 3, 5]);
    const floats = npyFile(npyLiteral("<f4", [2, 2]), numbers("f4", [0, 1, 2, 3]));
    const codes = await readFrames(floats, [int8], { values: "quantised" });
    expect(Array.from(codes.frame(0).inputs[0] ?? [])).toEqual([0, 1, 2, 3]);
  });

  it("keeps every digit of an int64 in either byte order", async () => {
    const tensor = tensorOf("int64", [1]);
    const data = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
    const little = await readFrames(npyFile(npyLiteral("<i8", [1]), data), [tensor]);
    expect(Array.from(little.frame(0).inputs[0] ?? [])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const big = await readFrames(npyFile(npyLiteral(">i8", [1]), data), [tensor]);
    expect(Array.from(big.frame(0).inputs[0] ?? [])).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
    expect(Array.from(big.frame(0).inputs[0] ?? [])).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  });

  it.each<[string, number[], number]>([
    ["one frame in the tensor's shape", [1, 2, 2, 1], 1],
    ["one frame without dimensions of 1", [2, 2], 1],
    ["one flat frame", [4], 1],
    ["frames in the tensor's shape", [3, 1, 2, 2, 1], 3],
    ["frames without the batch of 1", [3, 2, 2, 1], 3],
    ["frames without any dimension of 1", [3, 2, 2], 3],
    ["flat frames", [3, 4], 3],
  ])("reads %s", async (_, shape, count) => {
    const values = Array.from({ length: count * 4 }, (_, index) => index);
    const file = npyFile(npyLiteral("|i1", shape), numbers("i1", values));
    const frames = await readFrames(file, [int8]);
    expect(frames.count).toBe(count);
    const read = Array.from(frames).flatMap((frame) => Array.from(frame.inputs[0] ?? []));
    expect(read).toEqual(values);
  });

  it("reads a list of numbers as frames of a model with one input value", async () => {
    const tensor = tensorOf("int8", [1, 1], 1, 0);
    const file = npyFile(npyLiteral("<f4", [5]), numbers("f4", [5, 4, 3, 2, 1]));
    const frames = await readFrames(file, [tensor]);
    expect(Array.from(frames, ({ inputs }) => inputs[0]?.[0])).toEqual([5, 4, 3, 2, 1]);
  });

  it.each([[[4, 3]], [[3, 5]], [[2, 1, 3]], [[1, 2, 2, 2]], [[]]])(
    "refuses the shape %j and says what is expected and what was found",
    async (shape) => {
      const elements = shape.reduce((product, length) => product * length, 1);
      const file = npyFile(npyLiteral("|i1", shape), new Uint8Array(elements));
      const wrong = await refusal(() => readFrames(file, [tensorOf("int8", [1, 3, 4, 1], 1, 0)]));
      expect(wrong.code).toBe("WAMLET_WRONG_SHAPE");
      expect(wrong.message).toContain(`[${shape.join(", ")}]`);
      expect(wrong.message).toContain("[1, 3, 4, 1]");
    },
  );

  it("refuses frames whose height and width are swapped, although the bytes are as many", async () => {
    const file = npyFile(npyLiteral("|i1", [2, 10, 49]), new Uint8Array(980));
    const wrong = await refusal(() => readFrames(file, [tensorOf("int8", [1, 49, 10, 1], 1, 0)]));
    expect(wrong.code).toBe("WAMLET_WRONG_SHAPE");
  });

  it.each<[string, string]>([
    ["Fortran order", npyLiteral("|i1", [2, 2], true)],
    ["element type is '<f2'", npyLiteral("<f2", [2])],
    ["element type is '<c8'", npyLiteral("<c8", [2])],
    ["element type is '|f4'", npyLiteral("|f4", [1])],
    ["element type", "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }"],
    ["needs 8 bytes, it holds 4", npyLiteral("|i1", [2, 4])],
    ["needs 2 bytes, it holds 4", npyLiteral("|i1", [2])],
    ["lacks descr, fortran_order or shape", "{'descr': '|i1', 'shape': (4,), }"],
    ["the key 'more'", "{'descr': '|i1', 'more': 1, 'shape': (4,), }"],
    ["is no dimension", "{'descr': '|i1', 'fortran_order': False, 'shape': (9999999999999999999,), }"],
    ["lacks the opening brace", "[]"],
    ["lacks the closing brace", "{'descr': '|i1' 'shape': (4,)}"],
    ["no frames", npyLiteral("|i1", [0, 2, 2])],
  ])("refuses by name: %s", async (what, literal) => {
    const data = new Uint8Array(literal.includes("(0,") ? 0 : 4);
    const wrong = await refusal(() => readFrames(npyFile(literal, data), [int8]));
    expect(wrong.code).toBe("WAMLET_INVALID_FRAMES");
    expect(wrong.message).toContain(what);
  });

  it("takes Fortran order where it is the same bytes", async () => {
    const file = npyFile(npyLiteral("|i1", [1, 4], true), new Uint8Array([1, 2, 3, 4]));
    expect((await readFrames(file, [int8])).count).toBe(1);
  });

  it.each([1, 2, 3])("reads header version %d", async (version) => {
    const file = npyFile(npyLiteral("|i1", [2, 2]), new Uint8Array(4), version);
    expect((await readFrames(file, [int8])).count).toBe(1);
  });

  it("reads the header that Python 2 wrote, keys in another order", async () => {
    const literal = `{"shape": (2L, 2L), "fortran_order": False, "descr": "|i1"}`;
    expect((await readFrames(npyFile(literal, new Uint8Array(4)), [int8])).count).toBe(1);
  });

  it("refuses a header version of the future and a header length beyond the file", async () => {
    const future = npyFile(npyLiteral("|i1", [2, 2]), new Uint8Array(4), 4);
    expect((await refusal(() => readFrames(future, [int8]))).message).toContain("version is 4");
    const long = npyFile(npyLiteral("|i1", [2, 2]), new Uint8Array(4), 2);
    long.bytes.set([255, 255, 255, 255], 8);
    expect((await refusal(() => readFrames(long, [int8]))).message).toContain("claims 4294967295 bytes");
  });

  it("names frame and position of a NaN when it gets there, and reads the frames before it", async () => {
    const values = [0, 0, 0, 0, 0, 0, Number.NaN, 0];
    const file = npyFile(npyLiteral("<f4", [2, 4]), numbers("f4", values));
    const frames = await readFrames(file, [int8]);
    expect(frames.frame(0).inputs[0]?.length).toBe(4);
    const wrong = await refusal(() => frames.frame(1));
    expect(wrong.message).toContain("Value 3 of frame 1 of frames.npy is NaN");
  });

  it("refuses a model with several inputs", async () => {
    const file = npyFile(npyLiteral("|i1", [4]), new Uint8Array(4));
    const second = tensorOf("int8", [4], 1, 0, "second");
    const wrong = await refusal(() => readFrames(file, [int8, second]));
    expect(wrong.code).toBe("WAMLET_WRONG_SHAPE");
    expect(wrong.message).toContain("2 input tensors (input, second)");
  });
});

describe("encodeNpyAnswers", () => {
  it("writes [N, ...shape] without the batch, elements at a multiple of 64, and reads back as written", async () => {
    const tensor = tensorOf("int8", [1, 3], 0.5, 0, "scores");
    const file = encodeNpyAnswers(tensor, [new Uint8Array([1, 2, 3]), new Uint8Array([4, 5, 255])]);
    expect((file.length - 6) % 64).toBe(0);
    expect(new TextDecoder("latin1").decode(file.subarray(10, 70))).toContain("'shape': (2, 3), }");
    const frames = await readFrames({ name: "scores.npy", bytes: file }, [tensor]);
    const back = Array.from(frames, ({ inputs }) =>
      Array.from(dequantise(inputs[0] ?? new Uint8Array(), tensor)),
    );
    expect(back).toEqual([
      [0.5, 1, 1.5],
      [2, 2.5, -0.5],
    ]);
  });

  it("is byte for byte what numpy.save writes", () => {
    // numpy.save(file, numpy.array([1, 2, 3], numpy.int8)), NumPy 1.26 and 2.
    const header = "{'descr': '|i1', 'fortran_order': False, 'shape': (3,), }";
    const wanted = `\u0093NUMPY\u0001\u0000v\u0000${header.padEnd(117)}\n\u0001\u0002\u0003`;
    const file = encodeNpy("int8", [3], new Uint8Array([1, 2, 3]));
    expect(Buffer.from(file).toString("latin1")).toBe(wanted);
  });

  it("refuses bytes that do not fill the shape", () => {
    expect(() => encodeNpy("int16", [2], new Uint8Array(3))).toThrow(RangeError);
  });
});

describe("encodeRawAnswers", () => {
  it("puts the tensors of each answer one after the other", () => {
    const answers = [
      [new Uint8Array([1]), new Uint8Array([2, 3])],
      [new Uint8Array([4]), new Uint8Array([5, 6])],
    ];
    expect(Array.from(encodeRawAnswers(answers))).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
