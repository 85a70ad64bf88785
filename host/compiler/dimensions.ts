/** Joining dimensions: the fewer loops a kernel runs, the fewer opcodes. Shared by elementwise operators and reductions. */

/** Distances, in elements, between neighbours of each dimension of a dense tensor. */
export function denseSteps(shape: readonly number[]): number[] {
  const steps = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    steps[axis] = (steps[axis + 1] as number) * (shape[axis + 1] as number);
  }
  return steps;
}

/** A loop over one joined dimension: its length, and the step of each operand (0 repeats the operand). */
export interface Loop {
  readonly size: number;
  readonly steps: readonly number[];
}

/**
 * The loops over `shape` with one list of steps per operand, neighbouring dimensions joined where every operand
 * steps through them as through one, dimensions of length 1 left out.
 */
export function joinLoops(shape: readonly number[], steps: readonly (readonly number[])[]): Loop[] {
  const loops: Loop[] = [];
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const here = steps.map((operand) => operand[axis] as number);
    const last = loops.at(-1);
    if (last && here.every((step, operand) => last.steps[operand] === step * size)) {
      loops[loops.length - 1] = { size: last.size * size, steps: here };
    } else {
      loops.push({ size, steps: here });
    }
  });
  return loops;
}

/** Exactly `count` loops, idle ones in front; null where there are more. */
export function padLoops(loops: readonly Loop[], count: number, operands: number): Loop[] | null {
  if (loops.length > count) return null;
  const idle: Loop = { size: 1, steps: new Array<number>(operands).fill(0) };
  return [...new Array<Loop>(count - loops.length).fill(idle), ...loops];
}

/** The shape that `shapes` broadcast to (trailing dimensions aligned, 1 repeats), or null. */
export function broadcastShape(...shapes: readonly (readonly number[])[]): number[] | null {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    let size = 1;
    for (const shape of shapes) {
      const here = shape[axis - rank + shape.length] ?? 1;
      if (here === 1) continue;
      if (size !== 1 && size !== here) return null;
      size = here;
    }
    result.push(size);
  }
  return result;
}

/** Steps of an operand of `shape` along the dimensions of `target`: 0 where it repeats. */
export function broadcastSteps(shape: readonly number[], target: readonly number[]): number[] {
  const steps = denseSteps(shape);
  return target.map((_, axis) => {
    const own = axis - target.length + shape.length;
    return own < 0 || shape[own] === 1 ? 0 : (steps[own] as number);
  });
}
