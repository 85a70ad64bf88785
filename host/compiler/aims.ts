/** What kernels are chosen for, and what is tried next where the module does not fit the board. */
import type { Account } from "./account.js";

/**
 * `speed`: fewest opcodes that fit the board, but for code that hardly saves any. `size`: the smallest module. `balanced`:
 * speed within some RAM.
 */
export type Optimization = "speed" | "balanced" | "size";

export interface Aim {
  readonly optimization: Optimization;
  /** How many times the optimization's own price of code is asked for it; null: no generated code at any price. */
  readonly codePrice: number | null;
  /** Opcodes that a byte of the module has to save, code or weights: more than none where flash is short. */
  readonly flashPrice: number;
}

/** What is known of a compiled module. */
interface Compiled {
  readonly account: Account | null;
}

/** Hardly a kernel saves more than this by a byte. */
const highestFlashPrice = 256;
/** Halvings between a price at which a module does not fit and one at which it does. */
const halvings = 6;

/**
 * What `optimization` aims at, and, in this order, what is tried where the module does not fit the board. Without any
 * generated kernel it takes the least RAM.
 */
function aims(optimization: Optimization): readonly Aim[] {
  const at = (aim: Optimization, ...prices: (number | null)[]) =>
    prices.map((codePrice): Aim => ({ optimization: aim, codePrice, flashPrice: 0 }));
  const size = at("size", 1, null);
  const balanced = [...at("balanced", 1, 3), ...size];
  return { size, balanced, speed: [...at("speed", 1, 3), ...balanced] }[optimization];
}

/**
 * The first module that fits: quick kernels take flash and RAM for code and packed weights; where they do not fit, fewer
 * or the plain ones may. Where flash alone is short, they get what there is of it.
 * @returns the last that was tried, where none fits
 */
export async function fitBoard<Module extends Compiled>(
  optimization: Optimization,
  compile: (aim: Aim) => Promise<Module>,
): Promise<Module> {
  const [first, ...thriftier] = aims(optimization) as readonly [Aim, ...Aim[]];
  let module = await compile(first);
  for (const [index, aim] of [first, ...thriftier].entries()) {
    if (index > 0) module = await compile(aim);
    if (fits(module)) return module;
    if (!isShortOfFlashAlone(module) || aim.optimization === "size") continue;
    const lighter = await lightened(aim, compile);
    if (lighter !== null) return lighter;
  }
  return module;
}

/** The module at the lowest price of flash, to some halvings, at which it fits. */
async function lightened<Module extends Compiled>(
  aim: Aim,
  compile: (aim: Aim) => Promise<Module>,
): Promise<Module | null> {
  const at = (flashPrice: number) => compile({ ...aim, flashPrice });
  let [low, high] = [0, 1];
  let found = await at(high);
  while (!fits(found)) {
    if (high >= highestFlashPrice) return null;
    [low, high] = [high, high * 2];
    found = await at(high);
  }
  for (let halving = 0; halving < halvings; halving++) {
    const middle = (low + high) / 2;
    const module = await at(middle);
    if (fits(module)) [high, found] = [middle, module];
    else low = middle;
  }
  return found;
}

const fits = ({ account }: Compiled): boolean => account === null || account.fits;

const isShortOfFlashAlone = ({ account }: Compiled): boolean =>
  (account?.lines ?? []).every(({ resource, leftBytes }) => leftBytes < 0 === (resource === "flash slot"));
