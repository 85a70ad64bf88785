/**
 * Strided copies: all of slicing, splitting, joining, transposing and rearranging blocks is one of these. The
 * compiler joins dimensions and folds the element size into the steps, so that what is contiguous moves as one
 * run. Steps are in bytes and may be negative: pointers are only ever stepped, since an index times a negative step,
 * once added to a constant address, would wrap.
 */

/** Copies size0 · … · size4 runs of `run` bytes. Every size is at least 1; source and target do not overlap. */
export function copyRuns(
  source: usize, target: usize, run: i32,
  size0: i32, size1: i32, size2: i32, size3: i32, size4: i32,
  sourceStep0: i32, sourceStep1: i32, sourceStep2: i32, sourceStep3: i32, sourceStep4: i32,
  targetStep0: i32, targetStep1: i32, targetStep2: i32, targetStep3: i32, targetStep4: i32,
): void {
  for (let i0: i32 = 0; i0 < size0; i0++) {
    let source1: usize = source;
    let target1: usize = target;
    for (let i1: i32 = 0; i1 < size1; i1++) {
      let source2: usize = source1;
      let target2: usize = target1;
      for (let i2: i32 = 0; i2 < size2; i2++) {
        let source3: usize = source2;
        let target3: usize = target2;
        for (let i3: i32 = 0; i3 < size3; i3++) {
          let source4: usize = source3;
          let target4: usize = target3;
          for (let i4: i32 = 0; i4 < size4; i4++) {
            memory.copy(target4, source4, run);
            source4 += sourceStep4;
            target4 += targetStep4;
          }
          source3 += sourceStep3;
          target3 += targetStep3;
        }
        source2 += sourceStep2;
        target2 += targetStep2;
      }
      source1 += sourceStep1;
      target1 += targetStep1;
    }
    source += sourceStep0;
    target += targetStep0;
  }
}

/** The same where a run is as long as one `T`: a load and a store instead of a memory.copy. */
export function copyElements<T extends number>(
  source: usize, target: usize,
  size0: i32, size1: i32, size2: i32, size3: i32, size4: i32,
  sourceStep0: i32, sourceStep1: i32, sourceStep2: i32, sourceStep3: i32, sourceStep4: i32,
  targetStep0: i32, targetStep1: i32, targetStep2: i32, targetStep3: i32, targetStep4: i32,
): void {
  for (let i0: i32 = 0; i0 < size0; i0++) {
    let source1: usize = source;
    let target1: usize = target;
    for (let i1: i32 = 0; i1 < size1; i1++) {
      let source2: usize = source1;
      let target2: usize = target1;
      for (let i2: i32 = 0; i2 < size2; i2++) {
        let source3: usize = source2;
        let target3: usize = target2;
        for (let i3: i32 = 0; i3 < size3; i3++) {
          let source4: usize = source3;
          let target4: usize = target3;
          for (let i4: i32 = 0; i4 < size4; i4++) {
            store<T>(target4, load<T>(source4));
            source4 += sourceStep4;
            target4 += targetStep4;
          }
          source3 += sourceStep3;
          target3 += targetStep3;
        }
        source2 += sourceStep2;
        target2 += targetStep2;
      }
      source1 += sourceStep1;
      target1 += targetStep1;
    }
    source += sourceStep0;
    target += targetStep0;
  }
}

/** Sets `bytes` bytes to `value`: the border that copies leave. */
export function fill(target: usize, value: i32, bytes: i32): void {
  memory.fill(target, <u8>value, bytes);
}
